using System.CommandLine;
using Stories.Client.Sessions;
using Stories.Client.Sponsored;
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
            using var sponsored = new SponsoredTray(session);
            var placed = await sponsored.PlaceAsync(tray, cancellationToken);
            printer.Print(new { tray.Authors, own, sponsored = placed.Select(p => new { after = p.Key, p.Value.Creative.Digest, p.Value.Creative.Facts, p.Value.Why }) }, () =>
            {
                if (tray.Authors.Count == 0) Console.WriteLine("Nobody has a story for you just now.");
                foreach (var author in tray.Authors)
                {
                    Console.WriteLine($"{(author.Unseen > 0 ? "●" : "○")} {Words.Printable(author.Author)}");
                    foreach (var story in author.Stories) Print(story);
                    if (placed.TryGetValue(author.Author, out var status)) Print(status);
                }
                if (own.Count > 0) Console.WriteLine("  yours");
                foreach (var story in own) Print(story);
            });
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Print(SponsoredStatus status)
    {
        var (facts, why) = (status.Creative.Facts, status.Why);
        Console.WriteLine($"◆ {Words.Printable(facts.Label)}: {Words.Printable(facts.Brand)}, {Words.Printable(facts.Headline)}");
        Console.WriteLine($"    {status.Creative.Digest[..12]}  for {Words.Printable(why.Beneficiary)}, paid by {Words.Printable(why.Payer)}");
    }

    private static void Print(TrayStory story) =>
        Console.WriteLine($"    {story.Story}  {Words.Of(story.Level),-9}  {Durations.Write(story.ExpiresAt - TimeProvider.System.GetUtcNow())} left{(story.Seen ? "  seen" : "")}");
}
