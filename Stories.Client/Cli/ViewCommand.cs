using System.CommandLine;
using Stories.Client.Sessions;
using Stories.Protocol;

namespace Stories.Client.Cli;

internal static class ViewCommand
{
    private const string Poster = "poster";

    public static Command Build()
    {
        var story = new Argument<string>("story") { Description = "Its id, or the beginning of it, as tray shows it." };
        var rendition = new Option<string?>("--rendition") { Description = "For instance video-480; without it the best." };
        var output = new Option<string?>("--out") { Description = "Where to write it; without it a file here, named after the story." };
        var command = new Command("view", "Opens a story: verifies who signed it, decrypts it, writes each of its files.") { story, rendition, output };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            await session.Audiences.RegisterAsync(cancellationToken);
            using var opened = await session.Viewer.OpenAsync(await session.FindStoryAsync(arguments.GetValue(story)!, isOwn: false, cancellationToken), cancellationToken);
            var view = opened.View;
            var entries = opened.Renditions?.Renditions ?? [];
            var files = Choose(entries, arguments.GetValue(rendition)).Select((entry, place) => (Entry: entry, Path: PathOf(view.Story, entry, place, arguments.GetValue(output)))).ToList();
            foreach (var (entry, path) in files) await DownloadAsync(session, opened, entry, path, cancellationToken);
            await session.Client.MarkSeenAsync(view.Story, cancellationToken);

            printer.Print(
                new { view.Story, view.Author, view.Level, view.ExpiresAt, opened.Payload?.Caption, files = files.Select(f => new { rendition = f.Entry.Name, f.Path }), renditions = entries },
                () =>
                {
                    Console.WriteLine($"{view.Author}, {Words.Of(view.Level)}, {Durations.Write(view.ExpiresAt - TimeProvider.System.GetUtcNow())} left");
                    if (opened.Payload?.Caption is { } caption) Console.WriteLine(Printable(caption));
                    foreach (var (entry, path) in files) Console.WriteLine($"{entry.Name}, {entry.Width}×{entry.Height}: {path}");
                    var others = entries.Select(e => e.Name).Except(files.Select(f => f.Entry.Name)).ToList();
                    if (others.Count > 0) Console.WriteLine($"There is also: {string.Join(", ", others)}");
                });
            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary>One of each file that the author posted, or of each of its segments.</summary>
    private static List<RenditionEntry> Choose(IReadOnlyList<RenditionEntry> entries, string? wanted)
    {
        var matching = entries.Where(e => wanted is null ? e.Name != Poster : e.Name == wanted);
        var chosen = matching.GroupBy(e => (e.Upload, e.Segment ?? 0)).OrderBy(g => g.Key).Select(g => g.First()).ToList();
        return wanted is null || chosen.Count > 0 ? chosen : throw new UsageException($"It has no {wanted}, but {string.Join(", ", entries.Select(e => e.Name).Distinct())}.");
    }

    /// <summary>The first file has the name that was asked for; further ones have their number in it.</summary>
    private static string PathOf(Guid story, RenditionEntry entry, int place, string? wanted)
    {
        var extension = entry.MediaType switch { "video/mp4" => ".mp4", "image/avif" => ".avif", _ => ".webp" };
        var path = wanted ?? $"{story}-{entry.Name}{extension}";
        return place == 0 ? path : Path.Combine(Path.GetDirectoryName(path) ?? "", $"{Path.GetFileNameWithoutExtension(path)}-{place + 1}{Path.GetExtension(path)}");
    }

    /// <summary>Aside first: the file has its name only when all of it is genuine.</summary>
    private static async Task DownloadAsync(Session session, OpenedStory opened, RenditionEntry entry, string path, CancellationToken cancellationToken)
    {
        var aside = $"{path}.part";
        try
        {
            await using (var file = File.Create(aside)) await session.Viewer.DownloadAsync(opened, entry, file, cancellationToken);
            File.Move(aside, path, overwrite: true);
        }
        finally
        {
            File.Delete(aside);
        }
    }

    /// <summary>Somebody else's words must not steer this terminal.</summary>
    private static string Printable(string words) => new([.. words.Where(c => !char.IsControl(c) || c == '\n')]);
}
