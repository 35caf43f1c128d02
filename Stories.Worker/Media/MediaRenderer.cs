using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using Stories.Core.Media;
using Stories.Protocol;
using Stories.Worker.Rendering;

namespace Stories.Worker.Media;

/// <summary>A file whose nature is known and within limits.</summary>
public sealed record PreparedMedia(string File, MediaKind Kind, VideoFacts? Video, VideoPlan? Plan)
{
    /// <summary>How many there will be: one for each revision.</summary>
    public int Sets => Plan is { Remux: true, Rungs.Count: > 0 } ? 2 : 1;
}

/// <summary>From a decrypted file in scratch to renditions in scratch.</summary>
public sealed class MediaRenderer(SandboxState sandbox, PhotoChildren photos, VideoProbe probe, VideoRenderer videos, IOptions<MediaOptions> options)
{
    /// <exception cref="MediaRefusedException">The file is nothing that we take.</exception>
    public async Task<PreparedMedia> PrepareAsync(Scratch scratch, string file, Lane lane, CancellationToken cancellationToken)
    {
        sandbox.ThrowIfFaulty();
        await using var stream = File.OpenRead(scratch.File(file));
        var kind = await SniffAsync(stream, cancellationToken);
        if (MediaKinds.LaneOf(kind) is not { } own) throw new MediaRefusedException(MediaCodes.UnknownType);
        if (own != lane) throw new MediaRefusedException(MediaCodes.WrongLane);
        if (own == Lane.Photo) return new PreparedMedia(file, kind, null, null);

        await Mp4Boxes.CheckWholeAsync(stream, cancellationToken);
        var facts = await probe.ReadAsync(scratch, file, cancellationToken);
        if (facts.Refusal(options.Value) is { } refusal) throw new MediaRefusedException(refusal);
        return new PreparedMedia(file, kind, facts, VideoPlan.For(facts));
    }

    /// <summary>One set per revision, the first as early as can be.</summary>
    /// <param name="made">Sets that there are already: the first one made is that after them.</param>
    public async IAsyncEnumerable<RenditionSet> RenderAsync(
        PreparedMedia media, Scratch scratch, int made, Action<int> progress, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (made >= media.Sets) yield break;
        if (media is not { Video: { } facts, Plan: { } plan })
        {
            yield return await RenderPhotoAsync(media.File, scratch, cancellationToken);
            yield break;
        }
        if (plan.Remux && made == 0) yield return new RenditionSet(await videos.RemuxAsync(scratch, media.File, facts, plan, cancellationToken));
        if (plan.Rungs.Count > 0) yield return new RenditionSet(await videos.EncodeAsync(scratch, media.File, facts, plan, withPoster: !plan.Remux, progress, cancellationToken));
    }

    private async Task<RenditionSet> RenderPhotoAsync(string file, Scratch scratch, CancellationToken cancellationToken)
    {
        var rendered = await photos.RenderAsync(scratch.File(file), cancellationToken);
        var files = new List<RenderedFile>();
        foreach (var photo in rendered.Photos)
        {
            var path = scratch.File(photo.Name + ".webp");
            await File.WriteAllBytesAsync(path, photo.Bytes, cancellationToken);
            files.Add(new RenderedFile(photo.Name, path, "image/webp", Codecs: null, photo.Width, photo.Height, Duration: null));
        }
        return new RenditionSet(files, rendered.Preview);
    }

    private static async Task<MediaKind> SniffAsync(Stream stream, CancellationToken cancellationToken)
    {
        var start = new byte[MediaKinds.SniffBytes];
        var length = await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken);
        return MediaKinds.Sniff(start.AsSpan(0, length));
    }
}
