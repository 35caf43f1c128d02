using System.CommandLine;
using Stories.Client.Sessions;
using Stories.Protocol;

namespace Stories.Client.Cli;

internal static class TakedownCommand
{
    public static Command Build()
    {
        var story = new Argument<Guid>("story") { Description = "Its whole id." };
        var reason = new Option<string>("--reason") { Description = "What its author is told; all that is kept.", Required = true };
        reason.AcceptOnlyFromAmong([.. Enum.GetValues<TakedownReason>().Select(Words.Of)]);
        var command = new Command("takedown", "For moderators: ends somebody's story, for everybody and for good.") { story, reason };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var id = arguments.GetValue(story);
            await session.Client.TakeDownAsync(id, Enum.Parse<TakedownReason>(arguments.GetValue(reason)!, ignoreCase: true), cancellationToken);
            printer.Print(new { story = id, takenDown = true }, () => Console.WriteLine($"Taken down: {id}"));
            return ExitCodes.Done;
        });
        return command;
    }
}
