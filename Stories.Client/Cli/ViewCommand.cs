using System.CommandLine;
using Stories.Client.Sessions;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Cli;

internal static class ViewCommand
{
    private const string Poster = "poster";

    public static Command Build()
    {
        var story = new Argument<string>("story") { Description = "Its id, or the beginning of it, as tray shows it; of a sponsored one its digest." };
        var rendition = new Option<string?>("--rendition") { Description = "For instance video-480; without it the best." };
        var output = new Option<string?>("--out") { Description = "Where to write it; without it a file here, named after the story." };
        var command = new Command("view", "Opens a story: verifies who signed it, decrypts it, writes each of its files.") { story, rendition, output };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            await session.Audiences.RegisterAsync(cancellationToken);
            if (arguments.GetValue(story) is { Length: >= 8 } digest && digest.All(char.IsAsciiHexDigitLower) &&
                await ViewSponsoredAsync(session, digest, arguments.GetValue(output), printer, cancellationToken)) return ExitCodes.Done;
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
                    Console.WriteLine($"{Words.Printable(view.Author)}, {Words.Of(view.Level)}, {Durations.Write(view.ExpiresAt - TimeProvider.System.GetUtcNow())} left");
                    if (opened.Payload?.Caption is { } caption) Console.WriteLine(Words.Printable(caption));
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
        var extension = ExtensionOf(entry.MediaType);
        var path = wanted ?? $"{story}-{entry.Name}{extension}";
        return place == 0 ? path : Path.Combine(Path.GetDirectoryName(path) ?? "", $"{Path.GetFileNameWithoutExtension(path)}-{place + 1}{Path.GetExtension(path)}");
    }

    private static string ExtensionOf(string mediaType) => mediaType switch { "video/mp4" => ".mp4", "image/avif" => ".avif", _ => ".webp" };

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

    /// <summary>Its files were verified by digest when they were fetched, and are again before they are shown.</summary>
    private static async Task<bool> ViewSponsoredAsync(Session session, string digest, string? output, Printer printer, CancellationToken cancellationToken)
    {
        using var sponsored = new SponsoredTray(session);
        if (await sponsored.FindAsync(digest, cancellationToken) is not { } status) return false;
        var file = status.Files.FirstOrDefault(f => f.File.Duration is not null) ?? status.Files[0];
        var path = output ?? $"{status.Creative.Digest[..12]}-{file.File.Name}{ExtensionOf(file.File.MediaType)}";
        File.Copy(file.Path, path, overwrite: true);
        var told = await sponsored.EndAsync(status, cancellationToken);
        var (facts, why) = (status.Creative.Facts, status.Why);
        printer.Print(new { status.Creative.Digest, facts, why, file = path, told.Done, told.Waiting }, () =>
        {
            Console.WriteLine($"{Words.Printable(facts.Label)}: {Words.Printable(facts.Brand)}, {Words.Printable(facts.Headline)}");
            Console.WriteLine($"{file.File.Name}, {file.File.Width}×{file.File.Height}, digest checked: {path}");
            Console.WriteLine($"For {Words.Printable(why.Beneficiary)}, paid by {Words.Printable(why.Payer)}. {Words.Printable(why.Reason)}");
            if (facts.CallToAction.Kind != CallToActionKind.None) Console.WriteLine($"It offers: {Words.Of(facts.CallToAction.Kind)}");
            Console.WriteLine(told.Trouble is null ? "Told the service that it was shown, and not to whom." : "The service could not be told; the record waits on this device.");
        });
        return true;
    }
}
