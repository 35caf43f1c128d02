using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Stories.Client.Demo;
using Stories.Client.Sessions;
using Stories.Protocol;

namespace Stories.Client.Cli;

/// <summary>The command line: what there is, and what each takes.</summary>
internal static class Commands
{
    private static readonly Option<bool> Json = new("--json") { Description = "Print JSON instead of text.", Recursive = true };

    public static RootCommand Build()
    {
        var root = new RootCommand($"Posts and views stories, encrypted on this device.\nSettings: STORIES_API, STORIES_TOKEN, STORIES_HOME.\n{ExitCodes.Help}") { Json };
        root.Add(Post());
        root.Add(Tray());
        root.Add(View());
        root.Add(Withdraw());
        root.Add(Audience());
        root.Add(Show());
        return root;
    }

    private static Command Post()
    {
        var files = new Argument<string[]>("file") { Description = "Photos and videos, up to 10.", Arity = ArgumentArity.OneOrMore };
        var level = new Option<string>("--level") { Description = "processed: only viewers and, while it transcodes, our worker read it; clear: whoever has the link does.", DefaultValueFactory = _ => "processed" };
        level.AcceptOnlyFromAmong("processed", "clear");
        var lifetime = new Option<string>("--lifetime") { Description = "For instance 90s, 10m, 24h; between 1 minute and 48 hours.", DefaultValueFactory = _ => "24h" };
        var audience = new Option<string>("--audience") { Description = "Who may see it.", DefaultValueFactory = _ => "everyone" };
        var caption = new Option<string?>("--caption") { Description = "Words that go with it, encrypted." };
        var command = new Command("post", "Encrypts, uploads and publishes a story, and waits until it is live.") { files, level, lifetime, audience, caption };
        command.SetAction((arguments, cancellationToken) => Run(arguments, async (session, json) =>
        {
            if (!Durations.TryParse(arguments.GetValue(lifetime), out var life)) throw new UsageException("A lifetime is a number with s, m, h or d: 24h.");
            foreach (var file in arguments.GetValue(files)!)
                if (!File.Exists(file)) throw new UsageException($"There is no file {file}.");
            var draft = new Draft(arguments.GetValue(files)!, Enum.Parse<Level>(arguments.GetValue(level)!, ignoreCase: true), life, arguments.GetValue(audience)!, arguments.GetValue(caption));
            return await PostAndFollowAsync(session, draft, json, cancellationToken);
        }));
        return command;
    }

    private static async Task<int> PostAndFollowAsync(Session session, Draft draft, bool json, CancellationToken cancellationToken)
    {
        async Task<Protocol.Contracts.StoryProgress> PostAsync(Action<PostStep, int> progress) =>
            await session.Poster.FollowAsync(await session.Poster.PostAsync(draft, progress, cancellationToken), progress, cancellationToken: cancellationToken);

        var end = json || Console.IsOutputRedirected
            ? await PostAsync((_, _) => { })
            : await AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn()).StartAsync(context =>
            {
                var bars = Enum.GetValues<PostStep>().ToDictionary(step => step, step => context.AddTask(step.ToString().ToLowerInvariant()));
                return PostAsync((step, percent) => bars[step].Value = percent);
            });
        if (json) Print(end);
        else if (end.State == StoryState.Live) Console.WriteLine($"live until {end.ExpiresAt.ToLocalTime():d MMM HH:mm}: {end.Story}");
        else await Console.Error.WriteLineAsync($"The service refused the media [{end.Code}].");
        return end.State == StoryState.Live ? ExitCodes.Done : ExitCodes.Refused;
    }

    private static Command Tray()
    {
        var command = new Command("tray", "Shows who has live stories for you, unseen ones first.");
        command.SetAction((arguments, cancellationToken) => Run(arguments, async (session, json) =>
        {
            await session.Audiences.RegisterAsync(cancellationToken);
            var tray = await session.Client.ShowTrayAsync(cancellationToken);
            if (json)
            {
                Print(tray);
                return ExitCodes.Done;
            }
            if (tray.Authors.Count == 0) Console.WriteLine("Nobody has a story for you just now.");
            foreach (var author in tray.Authors)
            {
                Console.WriteLine($"{(author.Unseen > 0 ? "●" : "○")} {author.Author}");
                foreach (var story in author.Stories)
                    Console.WriteLine($"    {story.Story}  {Word(story.Level),-9}  {Durations.Write(story.ExpiresAt - TimeProvider.System.GetUtcNow())} left{(story.Seen ? "  seen" : "")}");
            }
            return ExitCodes.Done;
        }));
        return command;
    }

    private static Command View()
    {
        var story = new Argument<string>("story") { Description = "Its id, or the beginning of it." };
        var rendition = new Option<string?>("--rendition") { Description = "For instance video-480; without it the best one." };
        var output = new Option<string?>("--out") { Description = "Where to write it; without it a file named after the story." };
        var command = new Command("view", "Opens a story: verifies who signed it, decrypts it, writes it to a file.") { story, rendition, output };
        command.SetAction((arguments, cancellationToken) => Run(arguments, async (session, json) =>
        {
            var opened = await session.Viewer.OpenAsync(await FindAsync(session, arguments.GetValue(story)!, cancellationToken), cancellationToken);
            var entries = opened.Renditions?.Renditions ?? [];
            var wanted = arguments.GetValue(rendition);
            var entry = wanted is null ? entries.FirstOrDefault(e => e.Name != "poster") : entries.FirstOrDefault(e => e.Name == wanted)
                ?? throw new UsageException($"It has no {wanted}, but {string.Join(", ", entries.Select(e => e.Name))}.");
            string? path = null;
            if (entry is not null)
            {
                path = arguments.GetValue(output) ?? $"{opened.View.Story}-{entry.Name}{(entry.MediaType == "video/mp4" ? ".mp4" : ".webp")}";
                await using var file = File.Create(path);
                await session.Viewer.DownloadAsync(opened, entry, file, cancellationToken);
            }
            await session.Client.MarkSeenAsync(opened.View.Story, cancellationToken);
            if (json) Print(new { story = opened.View.Story, author = opened.View.Author, level = opened.View.Level, expiresAt = opened.View.ExpiresAt, caption = opened.Payload?.Caption, file = path, renditions = entries });
            else
            {
                Console.WriteLine($"{opened.View.Author}, {Word(opened.View.Level)}, {Durations.Write(opened.View.ExpiresAt - TimeProvider.System.GetUtcNow())} left");
                if (opened.Payload?.Caption is { } caption) Console.WriteLine(caption);
                if (entry is not null) Console.WriteLine($"{entry.Name}, {entry.Width}×{entry.Height}: {path}   (also: {string.Join(", ", entries.Where(e => e != entry).Select(e => e.Name))})");
            }
            return ExitCodes.Done;
        }));
        return command;
    }

    private static Command Withdraw()
    {
        var story = new Argument<string>("story") { Description = "Its whole id, as post printed it." };
        var command = new Command("withdraw", "Takes one of your stories back, for everybody and at once.") { story };
        command.SetAction((arguments, cancellationToken) => Run(arguments, async (session, json) =>
        {
            if (!Guid.TryParse(arguments.GetValue(story), out var id)) throw new UsageException("Give the story's whole id, as post printed it.");
            await session.Client.WithdrawAsync(id, cancellationToken);
            if (json) Print(new { story = id, withdrawn = true });
            else Console.WriteLine("Gone.");
            return ExitCodes.Done;
        }));
        return command;
    }

    private static Command Audience()
    {
        var name = new Argument<string>("name") { Description = "As you call it; only this device knows the name.", DefaultValueFactory = _ => "everyone" };
        var add = new Option<string[]>("--add") { Description = "app/user to take in.", DefaultValueFactory = _ => [] };
        var remove = new Option<string[]>("--remove") { Description = "app/user to leave out.", DefaultValueFactory = _ => [] };
        var command = new Command("audience", "Shows or changes who may see what you post to an audience.") { name, add, remove };
        command.SetAction((arguments, cancellationToken) => Run(arguments, async (session, json) =>
        {
            await session.Audiences.RegisterAsync(cancellationToken);
            var (adding, removing) = (Names(arguments.GetValue(add)!), Names(arguments.GetValue(remove)!));
            var audience = adding.Count + removing.Count > 0
                ? await session.Audiences.ChangeAsync(arguments.GetValue(name)!, adding, removing, cancellationToken)
                : await session.Audiences.FindOrFoundAsync(arguments.GetValue(name)!, cancellationToken);
            if (json) Print(audience);
            else Console.WriteLine($"{arguments.GetValue(name)}: {(audience.Members is { Count: > 0 } members ? string.Join(", ", members) : "nobody but you")}");
            return ExitCodes.Done;
        }));
        return command;
    }

    private static Command Show()
    {
        var samples = new Option<string>("--samples") { Description = "Folder with sample media and expected.json.", DefaultValueFactory = _ => "media-samples" };
        var command = new Command("demo", "Shows the main job on the running service; fails if any part of it does.") { samples };
        command.SetAction((arguments, cancellationToken) => Guard(arguments, () => DemoShow.RunAsync(arguments.GetValue(samples)!, arguments.GetValue(Json), cancellationToken)));
        return command;
    }

    private static async Task<Guid> FindAsync(Session session, string text, CancellationToken cancellationToken)
    {
        if (Guid.TryParse(text, out var id)) return id;
        var tray = await session.Client.ShowTrayAsync(cancellationToken);
        var found = tray.Authors.SelectMany(a => a.Stories).Select(s => s.Story).Where(s => s.ToString().StartsWith(text, StringComparison.OrdinalIgnoreCase)).ToList();
        return found.Count == 1 ? found[0] : throw new UsageException(found.Count == 0 ? "No story in your tray begins so." : "More than one story begins so; give more of the id.");
    }

    private static List<UserName> Names(string[] texts) =>
        [.. texts.Select(text => UserName.TryParse(text, out var name) ? name : throw new UsageException($"{text} is not written app/user."))];

    private static Task<int> Run(ParseResult arguments, Func<Session, bool, Task<int>> run) => Guard(arguments, async () =>
    {
        using var session = Session.FromEnvironment();
        return await run(session, arguments.GetValue(Json));
    });

    /// <summary>Errors in words for people, with the code in brackets for whoever looks it up.</summary>
    private static async Task<int> Guard(ParseResult arguments, Func<Task<int>> run)
    {
        var (code, text, exit) = await TryAsync(run);
        if (text is null) return exit;
        if (arguments.GetValue(Json)) Print(new { error = text, code });
        else await Console.Error.WriteLineAsync(code is null ? text : $"{text} [{code}]");
        return exit;
    }

    private static async Task<(string? Code, string? Text, int Exit)> TryAsync(Func<Task<int>> run)
    {
        try
        {
            return (null, null, await run());
        }
        catch (UsageException e)
        {
            return (null, e.Message, ExitCodes.Usage);
        }
        catch (StoriesProblemException e)
        {
            return (e.Code, e.Message, ExitCodes.Refused);
        }
        catch (NotGenuineException e)
        {
            return (null, e.Message, ExitCodes.NotGenuine);
        }
        catch (Age.AgeException e)
        {
            return (null, $"It cannot be decrypted: {e.Message}", ExitCodes.NotGenuine);
        }
        catch (HttpRequestException)
        {
            return (null, $"The service at {Session.Service()} cannot be reached.", ExitCodes.Unreachable);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, e.Message, ExitCodes.Failed);
        }
    }

    private static string Word(Level level) => JsonNamingPolicy.CamelCase.ConvertName(level.ToString());

    private static void Print<T>(T value) => Console.WriteLine(JsonSerializer.Serialize(value, StoriesJson.Options));
}
