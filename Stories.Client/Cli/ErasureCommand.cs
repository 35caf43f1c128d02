using System.CommandLine;
using System.Globalization;
using Stories.Client.Sessions;
using Stories.Protocol;

namespace Stories.Client.Cli;

internal static class ErasureCommand
{
    public static Command Build()
    {
        var story = new Argument<string>("story") { Description = "Its id, or the beginning of it; this device posted it within the last 90 days." };
        var command = new Command("erasure", "Asks whether everything of a story is erased, and verifies what the service signed.") { story };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var id = session.FindPosted(arguments.GetValue(story)!);
            switch (await session.Poster.VerifyErasureAsync(id, cancellationToken))
            {
                case ErasureProof.Erased erased:
                    printer.Print(new { story = id, state = "erased", erased.ExpiresAt, erased.DueAt, erased.ErasedAt, erased.Record }, () => Print(erased));
                    return ExitCodes.Done;
                case ErasureProof.Pending pending:
                    printer.Print(new { story = id, state = "pending", pending.DueAt }, () => Console.WriteLine($"Not yet: it is due {Time(pending.DueAt)}. [{ProblemCodes.ErasurePending}]"));
                    return ExitCodes.Refused;
                case ErasureProof.NotProven not:
                    printer.Print(new { story = id, state = "notProven", not.Reason, not.Fault }, () => Console.WriteLine($"Not proven. {not.Reason}"));
                    return ExitCodes.NotGenuine;
                default:
                    throw new InvalidOperationException("There is no fourth.");
            }
        });
        return command;
    }

    private static void Print(ErasureProof.Erased erased)
    {
        var record = erased.Record;
        Console.WriteLine($"Erased {Time(erased.ErasedAt)}, {Durations.Write(erased.ErasedAt - erased.ExpiresAt)} after the story's end.");
        Console.WriteLine(FormattableString.Invariant($"With it went all that was due {Time(erased.DueAt)}: stories {record.Stories}, blobs {record.Blobs}, bytes {record.Bytes:#,0}."));
        Console.WriteLine("The service signed this, and the story is in it. It does not say what viewers kept, nor what others back up.");
    }

    private static string Time(DateTimeOffset time) => time.ToLocalTime().ToString("d MMM HH:mm:ss", CultureInfo.InvariantCulture);
}
