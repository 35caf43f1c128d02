using System.CommandLine;
using System.Text.Json;
using Stories.Client.Cli;
using Stories.Client.Sessions;

namespace Stories.Client.Demo;

internal static class DemoCommand
{
    public static Command Build()
    {
        var samples = new Option<string>("--samples") { Description = "Folder with sample media and expected.json.", DefaultValueFactory = _ => "media-samples" };
        var command = new Command("demo", "Shows the main job on the running service, as two people, their friends, an advertiser, a reviewer and an operator (their tokens in STORIES_TOKEN_ALICE, _BOB, _ADVERTISER, _REVIEWER, _OPS and STORIES_TOKENS_FRIENDS); fails if any part of it does.") { samples };
        command.OnRun(async (arguments, printer, cancellationToken) =>
        {
            var folder = arguments.GetValue(samples)!;
            using var show = new DemoShow(folder, ReadExpected(folder), text =>
            {
                if (!printer.IsJson) Console.WriteLine(text);
            });
            var acts = await show.PlayAsync(cancellationToken);
            var failed = acts.Where(a => !a.Succeeded).ToList();
            printer.Print(new { succeeded = failed.Count == 0, acts }, () =>
            {
                DemoTable.Print(acts);
                foreach (var act in failed) Console.Error.WriteLine($"Failed: {act.What}: {act.Outcome}");
            });
            return failed.Count == 0 ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }

    private static List<Expected> ReadExpected(string folder)
    {
        var path = Path.Combine(folder, "expected.json");
        if (!File.Exists(path)) throw new UsageException($"There is no {path}; --samples names the folder of the media samples.");
        try
        {
            return JsonSerializer.Deserialize<List<Expected>>(File.ReadAllText(path), Protocol.StoriesJson.Options) ?? [];
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} cannot be read: {e.Message}", e);
        }
    }
}
