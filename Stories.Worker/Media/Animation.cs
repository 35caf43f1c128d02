using System.Globalization;
using Stories.Core.Media;
using Stories.Worker.Rendering;

namespace Stories.Worker.Media;

/// <summary>An animated picture's frames as a video that ffmpeg can read: JPEG behind JPEG, and a filter that says when each is shown.</summary>
internal static class Animation
{
    private const string FileName = "frames";

    /// <exception cref="MediaRefusedException">The child's frames cannot be.</exception>
    public static async Task<VideoSource> WriteAsync(IReadOnlyList<RenderedFrame> frames, Scratch scratch, CancellationToken cancellationToken)
    {
        var first = frames[0];
        if (frames.Any(f => f.Delay is < 1 or > 60_000 || (f.Width, f.Height) != (first.Width, first.Height)) || first.Width is < 1 or > 1280 || first.Height is < 1 or > 1280)
            throw new MediaRefusedException(MediaCodes.Damaged);
        await using (var file = PlainFile.Create(scratch.File(FileName)))
        {
            foreach (var frame in frames) await file.WriteAsync(frame.Bytes, cancellationToken);
            // Once more, to stand at the end: how long a frame is shown is known by the next one only.
            await file.WriteAsync(frames[^1].Bytes, cancellationToken);
        }
        var duration = frames.Sum(f => f.Delay);
        var terms = frames.Select((frame, i) => string.Create(CultureInfo.InvariantCulture, $"{frame.Delay}*gt(N\\,{i})"));
        // In groups of groups: ffmpeg takes no expression that is deeper than a hundred, and each sum is a step.
        var times = Sum(terms.Chunk(16).Select(Sum).Chunk(16).Select(Sum));
        var rate = 1000.0 / frames.Min(f => f.Delay);
        return new VideoSource(FileName, Guards.ForFrames, new VideoFacts(
            Track: 0, "mjpeg", Profile: "", Level: 0, PixelFormat: "yuvj444p", first.Width, first.Height, Rotation: 0, PixelAspect: 1, IsProgressive: true, DynamicRange.Standard,
            Gamut.Standard, ColorTags.Matrix, rate, IsSteady: false, TimeSpan.FromMilliseconds(duration), Streams: 1, Audio: null, new FileInfo(scratch.File(FileName)).Length),
            Timing: $"setpts={times}/1000/TB,");

        static string Sum(IEnumerable<string> terms) => $"({string.Join('+', terms)})";
    }
}
