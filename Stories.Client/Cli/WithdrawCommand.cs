using System.CommandLine;
using Stories.Client.Sessions;

namespace Stories.Client.Cli;

internal static class WithdrawCommand
{
    public static Command Build()
    {
        var story = new Argument<string>("story") { Description = "Its id, or the beginning of it, as post and tray show it." };
        var command = new Command("withdraw", "Takes one of your stories back, for everybody and at once.") { story };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var id = await session.FindStoryAsync(arguments.GetValue(story)!, isOwn: true, cancellationToken);
            await session.Client.WithdrawAsync(id, cancellationToken);
            printer.Print(new { story = id, withdrawn = true }, () => Console.WriteLine($"Gone: {id}"));
            return ExitCodes.Done;
        });
        return command;
    }
}
