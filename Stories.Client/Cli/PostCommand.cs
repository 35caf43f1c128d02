using System.CommandLine;
using Spectre.Console;
using Stories.Client.Sessions;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Client.Cli;

internal static class PostCommand
{
    public static Command Build()
    {
        var files = new Argument<string[]>("file") { Description = $"Photos and videos, up to {Limits.UploadsPerStory}; none when there is a caption.", Arity = ArgumentArity.ZeroOrMore };
        var level = new Option<string>("--level")
        {
            Description = "processed: your viewers can read it and, while it makes renditions, the service; clear: whoever has a link can.",
            DefaultValueFactory = _ => "processed",
        };
        level.AcceptOnlyFromAmong("processed", "clear");
        var lifetime = new Option<string>("--lifetime") { Description = "For instance 90s, 10m, 24h; between 1 minute and 48 hours.", DefaultValueFactory = _ => "24h" };
        var audience = new Option<string>("--audience") { Description = "Who may see it; founded with nobody in it when you have none of that name.", DefaultValueFactory = _ => AudienceCommand.Default };
        var caption = new Option<string?>("--caption") { Description = "Words that go with it, encrypted." };
        var split = new Option<bool>("--split") { Description = "Cut a video of over a minute into consecutive segments, instead of having it refused." };
        var avif = new Option<bool>("--avif") { Description = "Make photos as AVIF too, which is smaller and takes longer." };
        var posterAt = new Option<string?>("--poster-at") { Description = "When in a video its poster is to be seen, for instance 3s; without it at its beginning." };
        var command = new Command("post", "Encrypts, uploads and publishes a story, and waits until all of it is there.") { files, level, lifetime, audience, caption, split, avif, posterAt };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            if (!Durations.TryParse(arguments.GetValue(lifetime), out var life)) throw new UsageException("A lifetime is a number with s, m, h or d: 24h.");
            TimeSpan? poster = null;
            if (arguments.GetValue(posterAt) is { } at) poster = Durations.TryParse(at, out var into) ? into : throw new UsageException("A poster's time is a number with s or m: 3s.");
            foreach (var file in arguments.GetValue(files)!)
                if (!File.Exists(file)) throw new UsageException($"There is no file {file}.");
            var draft = new Draft(arguments.GetValue(files)!, Enum.Parse<Level>(arguments.GetValue(level)!, ignoreCase: true), life, arguments.GetValue(audience)!, arguments.GetValue(caption),
                new RenderWishes(arguments.GetValue(avif), arguments.GetValue(split), poster?.TotalSeconds));
            if (draft.FindFault() is { } fault) throw new UsageException(fault);

            var end = await PostAsync(session, draft, showBars: !printer.IsJson && !Console.IsOutputRedirected, cancellationToken);
            if (session.Store.Tickets.All(t => t.Story != end.Story)) await Console.Error.WriteLineAsync("Its ticket could not be kept on this device, which cannot verify its erasure later.");
            if (end.State == StoryState.Live)
            {
                printer.Print(end, () => Console.WriteLine($"Live until {end.ExpiresAt.ToLocalTime():d MMM HH:mm}: {end.Story}"));
                return ExitCodes.Done;
            }
            printer.Print(end, () => Console.Error.WriteLine($"{Refusals.Say(end)} [{end.Code ?? Words.Of(end.State)}]"));
            return ExitCodes.Refused;
        });
        return command;
    }

    private static async Task<StoryProgress> PostAsync(Session session, Draft draft, bool showBars, CancellationToken cancellationToken)
    {
        async Task<StoryProgress> PostAsync(Action<PostStep, int> progress) =>
            await session.Poster.FollowAsync(await session.Poster.PostAsync(draft, progress, cancellationToken), progress, cancellationToken: cancellationToken);

        if (!showBars) return await PostAsync((_, _) => { });
        var steps = Enum.GetValues<PostStep>().Where(step => step == PostStep.Transcoding || draft.Files.Count > 0);
        return await AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn()).StartAsync(context =>
        {
            var bars = steps.ToDictionary(step => step, step => context.AddTask(Words.Of(step), autoStart: false));
            return PostAsync((step, percent) =>
            {
                if (!bars[step].IsStarted) bars[step].StartTask();
                bars[step].Value = percent;
            });
        });
    }
}
