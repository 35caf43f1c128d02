using System.CommandLine;
using Stories.Client.Sessions;
using Stories.Protocol.Contracts;

namespace Stories.Client.Cli;

internal static class TrayCommand
{
    public static Command Build()
    {
        var command = new Command("tray", "Shows who has live stories for you, unseen ones first, and your own.");
        command.OnRun(async (session, _, printer, cancellationToken) =>
        {
            await session.Audiences.RegisterAsync(cancellationToken);
            var tray = await session.Client.ShowTrayAsync(cancellationToken);
            var own = await session.ListOwnAsync(cancellationToken);
            printer.Print(new { tray.Authors, own }, () =>
            {
                if (tray.Authors.Count == 0) Console.WriteLine("Nobody has a story for you just now.");
                foreach (var author in tray.Authors)
                {
                    Console.WriteLine($"{(author.Unseen > 0 ? "●" : "○")} {author.Author}");
                    foreach (var story in author.Stories) Print(story);
                }
                if (own.Count > 0) Console.WriteLine("  yours");
                foreach (var story in own) Print(story);
            });
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Print(TrayStory story) =>
        Console.WriteLine($"    {story.Story}  {Words.Of(story.Level),-9}  {Durations.Write(story.ExpiresAt - TimeProvider.System.GetUtcNow())} left{(story.Seen ? "  seen" : "")}");
}
