using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using Stories.Core.Media;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Worker.Rendering;

namespace Stories.Worker.Media;

/// <summary>A file whose nature is known and within limits.</summary>
/// <param name="Video">Null of a photo that stands still.</param>
public sealed record PreparedMedia(string File, MediaKind Kind, RenderWishes Wishes, VideoSource? Video, VideoPlan? Plan)
{
    /// <summary>How many there will be: one for each revision.</summary>
    public int Sets => Plan is { KeepsPicture: true, Rungs.Count: > 0 } ? 2 : 1;
}

/// <summary>From a decrypted file in scratch to renditions in scratch.</summary>
public sealed class MediaRenderer(
    SandboxState sandbox, PhotoChildren photos, HeicConverter heic, VideoProbe probe, VideoRenderer videos, IOptions<MediaOptions> options)
{
    /// <summary>False on a machine whose sandbox does not stand: work is another's there.</summary>
    public bool IsReady => sandbox.Fault is null;

    /// <exception cref="MediaRefusedException">The file is nothing that we take.</exception>
    public async Task<PreparedMedia> PrepareAsync(Scratch scratch, string file, Lane lane, RenderWishes wishes, CancellationToken cancellationToken)
    {
        sandbox.ThrowIfFaulty();
        await using var stream = File.OpenRead(scratch.File(file));
        var kind = await SniffAsync(stream, cancellationToken);
        if (MediaKinds.LaneOf(kind) is not { } own) throw new MediaRefusedException(MediaCodes.UnknownType);
        if (own != lane) throw new MediaRefusedException(MediaCodes.WrongLane);
        if (kind == MediaKind.ImageSequence) return await PrepareSequenceAsync(scratch, file, wishes, cancellationToken);
        if (own == Lane.Photo) return new PreparedMedia(file, kind, wishes, null, null);

        await (kind == MediaKind.Matroska ? MatroskaTracks.CheckWholeAsync(stream, cancellationToken) : Mp4Boxes.CheckWholeAsync(stream, cancellationToken));
        var facts = await probe.ReadAsync(scratch, file, kind, cancellationToken);
        if (facts.Refusal(options.Value, wishes.Split) is { } refusal) throw new MediaRefusedException(refusal);
        var source = new VideoSource(file, Guards.For(kind), facts);
        // Side by side: none uses all of the machine, and what can be kept waits for all.
        var trimmed = probe.FindTrimAsync(scratch, file, kind, facts, cancellationToken);
        var heard = videos.ListenAsync(scratch, source, cancellationToken);
        var beginsAnew = VideoPlan.PictureIncompliance(facts) is null ? videos.BeginsAnewAsync(scratch, source, TimeSpan.Zero, cancellationToken) : Task.FromResult(true);
        await Task.WhenAll(trimmed, heard, beginsAnew);
        facts = (await trimmed) with { BeginsAnew = await beginsAnew };
        if (await heard is { } sound) facts = facts with { Audio = facts.Audio! with { Loudness = sound.Loudness, Gap = sound.Gap } };
        source = source with { Facts = facts };
        var keyFrames = facts.IsWithin(options.Value.VideoDuration) ? null : await probe.FindKeyFramesAsync(scratch, file, kind, facts, cancellationToken);
        var plan = VideoPlan.For(facts, wishes, options.Value, keyFrames);
        if (plan.KeepsPicture && await FindCutWithoutStartAsync(scratch, source, plan, cancellationToken)) plan = VideoPlan.For(facts with { BeginsAnew = false }, wishes, options.Value, keyFrames);
        return new PreparedMedia(file, kind, wishes, source, plan);
    }

    /// <summary>No more than any animated picture may be: a video in its clothes is one all the same.</summary>
    private async Task<PreparedMedia> PrepareSequenceAsync(Scratch scratch, string file, RenderWishes wishes, CancellationToken cancellationToken)
    {
        var facts = (await probe.ReadAsync(scratch, file, MediaKind.ImageSequence, cancellationToken)) with { Audio = null };
        if ((facts.Refusal(options.Value) ?? facts.SequenceRefusal(options.Value)) is { } refusal) throw new MediaRefusedException(refusal);
        return new PreparedMedia(file, MediaKind.ImageSequence, wishes, new VideoSource(file, Guards.For(MediaKind.ImageSequence), facts), VideoPlan.For(facts, wishes, options.Value));
    }

    /// <summary>Not every key frame is a beginning: see <see cref="VideoFacts.BeginsAnew"/>.</summary>
    private async Task<bool> FindCutWithoutStartAsync(Scratch scratch, VideoSource source, VideoPlan plan, CancellationToken cancellationToken)
    {
        foreach (var segment in plan.Segments.Skip(1))
            if (!await videos.BeginsAnewAsync(scratch, source, segment.Start, cancellationToken)) return true;
        return false;
    }

    /// <summary>One set per revision, the first as early as can be.</summary>
    /// <param name="made">Sets that there are already: the first one made is that after them.</param>
    public async IAsyncEnumerable<RenditionSet> RenderAsync(
        PreparedMedia media, Scratch scratch, int made, Action<int> progress, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (made >= media.Sets) yield break;
        if (media is not { Video: { } source, Plan: { } plan })
        {
            yield return await RenderPhotoAsync(media, scratch, progress, cancellationToken);
            yield break;
        }
        if (plan.KeepsPicture && made == 0) yield return await videos.RemuxAsync(scratch, source, plan, cancellationToken);
        if (plan.Rungs.Count > 0) yield return await videos.EncodeAsync(scratch, source, plan, withPoster: !plan.KeepsPicture, progress, cancellationToken);
    }

    private async Task<RenditionSet> RenderPhotoAsync(PreparedMedia media, Scratch scratch, Action<int> progress, CancellationToken cancellationToken)
    {
        var isHeic = media.Kind == MediaKind.Heic;
        var picture = isHeic || media.Kind == MediaKind.Avif ? await HeifIndex.ReadAsync(scratch.File(media.File), tidy: isHeic, cancellationToken) : default;
        var file = isHeic ? await heic.ConvertAsync(scratch, media.File, picture, cancellationToken) : media.File;
        // The converter has turned it, and may have left the word for it in place.
        var rendered = await photos.RenderAsync(scratch.File(file), new PhotoOrder(IsUpright: isHeic, media.Wishes.Avif, Colors: picture.Colors, IsPremultiplied: picture.IsPremultiplied), cancellationToken);
        if (rendered.Frames.Count > 0) return await RenderAnimationAsync(rendered.Frames, media, scratch, progress, cancellationToken);
        var files = new List<RenderedFile>();
        foreach (var photo in rendered.Photos)
        {
            var path = scratch.File(photo.Name);
            await using (var target = PlainFile.Create(path)) await target.WriteAsync(photo.Bytes, cancellationToken);
            files.Add(new RenderedFile(photo.Name, path, photo.MediaType, Codecs: null, photo.Width, photo.Height, Duration: null));
        }
        return new RenditionSet(files, rendered.Preview);
    }

    private async Task<RenditionSet> RenderAnimationAsync(
        IReadOnlyList<RenderedFrame> frames, PreparedMedia media, Scratch scratch, Action<int> progress, CancellationToken cancellationToken)
    {
        var source = await Animation.WriteAsync(frames, scratch, cancellationToken);
        if (source.Facts.Refusal(options.Value) is { } refusal) throw new MediaRefusedException(refusal);
        return await videos.EncodeAsync(scratch, source, VideoPlan.For(source.Facts, media.Wishes, options.Value), withPoster: true, progress, cancellationToken);
    }

    private static async Task<MediaKind> SniffAsync(Stream stream, CancellationToken cancellationToken)
    {
        var start = new byte[MediaKinds.SniffBytes];
        var length = await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken);
        return MediaKinds.Sniff(start.AsSpan(0, length));
    }
}
