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
        var rendition = new Option<string?>("--rendition") { Description = "For instance video-480; without it the first, which is the best." };
        var output = new Option<string?>("--out") { Description = "Where to write it; without it a file named after the story, here." };
        var command = new Command("view", "Opens a story: verifies who signed it, decrypts it, writes it to a file.") { story, rendition, output };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            await session.Audiences.RegisterAsync(cancellationToken);
            using var opened = await session.Viewer.OpenAsync(await session.FindStoryAsync(arguments.GetValue(story)!, isOwn: false, cancellationToken), cancellationToken);
            var view = opened.View;
            var entries = opened.Renditions?.Renditions ?? [];
            var chosen = Choose(entries, arguments.GetValue(rendition));
            var path = chosen is null ? null : arguments.GetValue(output) ?? $"{view.Story}-{chosen.Name}{(chosen.MediaType == "video/mp4" ? ".mp4" : ".webp")}";
            if (chosen is not null) await DownloadAsync(session, opened, chosen, path!, cancellationToken);
            await session.Client.MarkSeenAsync(view.Story, cancellationToken);

            printer.Print(new { view.Story, view.Author, view.Level, view.ExpiresAt, opened.Payload?.Caption, file = path, rendition = chosen?.Name, renditions = entries }, () =>
            {
                Console.WriteLine($"{view.Author}, {Words.Of(view.Level)}, {Durations.Write(view.ExpiresAt - TimeProvider.System.GetUtcNow())} left");
                if (opened.Payload?.Caption is { } caption) Console.WriteLine(Printable(caption));
                if (chosen is null) return;
                Console.WriteLine($"{chosen.Name}, {chosen.Width}×{chosen.Height}: {path}");
                if (entries.Count > 1) Console.WriteLine($"There is also: {string.Join(", ", entries.Where(e => e != chosen).Select(e => e.Name))}");
            });
            return ExitCodes.Done;
        });
        return command;
    }

    private static RenditionEntry? Choose(IReadOnlyList<RenditionEntry> entries, string? wanted) =>
        wanted is null
            ? entries.FirstOrDefault(e => e.Name != Poster)
            : entries.FirstOrDefault(e => e.Name == wanted) ?? throw new UsageException($"It has no {wanted}, but {string.Join(", ", entries.Select(e => e.Name))}.");

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
