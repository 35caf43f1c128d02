using System.CommandLine;
using System.CommandLine.Invocation;
using System.Text.Json;
using Stories.Client.Sessions;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Cli;

/// <summary>What all commands have in common: settings, <c>--json</c>, and how an error becomes words and an exit code.</summary>
internal static class CommandLine
{
    private static readonly Option<bool> Json = new("--json") { Description = "Print JSON instead of text.", Recursive = true };

    public static async Task<int> RunAsync(string[] arguments, params Command[] commands)
    {
        var root = new RootCommand($"""
            Posts and views stories, encrypted on this device.

            Settings come from the environment:
              STORIES_API    the service's address; {Session.DefaultService} when it is not set
              STORIES_TOKEN  a token of your app, which says who you are
              STORIES_APP    the app's name, when your tokens have another audience than that
              STORIES_HOME   folder of this device's keys; {Session.DefaultHome} when it is not set
              STORIES_COUNTRY, STORIES_LANGUAGE, STORIES_AGE
                             of the person, for sponsored statuses: DE, de, adult; unknown when they are not set

            {ExitCodes.Help}
            """)
        { Json };
        foreach (var command in commands) root.Add(command);
        var parsed = root.Parse(arguments);
        if (parsed.Action is not ParseErrorAction refusal) return await parsed.InvokeAsync();
        refusal.ShowHelp = arguments.Length == 0;
        await parsed.InvokeAsync();
        if (!refusal.ShowHelp) await Console.Error.WriteLineAsync("--help says what there is.");
        return ExitCodes.Usage;
    }

    /// <summary>A command that speaks for the user of the settings.</summary>
    public static void OnRun(this Command command, Func<Session, ParseResult, Printer, CancellationToken, Task<int>> run) =>
        command.OnRun(async (arguments, printer, cancellationToken) =>
        {
            using var session = Session.FromEnvironment();
            return await run(session, arguments, printer, cancellationToken);
        });

    public static void OnRun(this Command command, Func<ParseResult, Printer, CancellationToken, Task<int>> run) =>
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var printer = new Printer(arguments.GetValue(Json));
            try
            {
                return await run(arguments, printer, cancellationToken);
            }
            catch (Exception e) when (Failure.Of(e, cancellationToken) is not null)
            {
                var failure = Failure.Of(e, cancellationToken)!;
                await printer.ErrorAsync(failure);
                return failure.ExitCode;
            }
        });
}

/// <summary>Prints for people or, with <c>--json</c>, for programs: then standard output is one JSON value, also for an error.</summary>
internal sealed class Printer(bool json)
{
    public bool IsJson => json;

    /// <summary>One of the two, whichever was asked for.</summary>
    public void Print<T>(T value, Action text)
    {
        if (json) Console.WriteLine(JsonSerializer.Serialize(value, StoriesJson.Options));
        else text();
    }

    public Task ErrorAsync(Failure failure)
    {
        if (!json) return Console.Error.WriteLineAsync(Words.Printable(failure.Code is null ? failure.Text : $"{failure.Text} [{failure.Code}]"));
        Console.WriteLine(JsonSerializer.Serialize(new { error = failure.Text, code = failure.Code }, StoriesJson.Options));
        return Task.CompletedTask;
    }
}

/// <summary>Why a command did not do what it should, in words for people, with the code for whoever looks it up.</summary>
internal sealed record Failure(string? Code, string Text, int ExitCode)
{
    public static string Say(FieldFault fault) => $"  {fault.Field}: {fault.Text}";

    /// <returns>Null for what is nobody's fault but ours: that is shown with all its details.</returns>
    public static Failure? Of(Exception e, CancellationToken cancellationToken) => e switch
    {
        UsageException => new Failure(null, e.Message, ExitCodes.Usage),
        StoriesProblemException { Faults.Count: > 0 } problem => new Failure(problem.Code, string.Join(Environment.NewLine, problem.Faults.Select(Say).Prepend(problem.Message)), ExitCodes.Refused),
        StoriesProblemException problem => new Failure(problem.Code, problem.RetryAfter is { } wait ? $"{problem.Message} (in {Durations.Write(wait)})" : problem.Message, ExitCodes.Refused),
        NotGenuineException => new Failure(null, e.Message, ExitCodes.NotGenuine),
        KeyMissingException => new Failure(null, e.Message, ExitCodes.Refused),
        HttpRequestException { StatusCode: not null } => new Failure(null, e.Message, ExitCodes.Refused),
        HttpRequestException => new Failure(null, $"The service at {Session.Service()} cannot be reached: {e.Message}", ExitCodes.Unreachable),
        OperationCanceledException when cancellationToken.IsCancellationRequested => new Failure(null, "Interrupted.", ExitCodes.Interrupted),
        IOException or UnauthorizedAccessException or InvalidDataException => new Failure(null, e.Message, ExitCodes.Failed),
        _ => null,
    };
}
