using System.ComponentModel.DataAnnotations;
using Stories.Protocol;

namespace Stories.Core.Media;

/// <summary>How much a file may ask of us.</summary>
public sealed class MediaOptions
{
    public const string Section = "Media";

    /// <summary>A folder in memory: plaintext rests nowhere else. Empty: one of this process's own under /dev/shm.</summary>
    public string ScratchFolder { get; set; } = "";

    [EnumDataType(typeof(SandboxKind))]
    public SandboxKind Sandbox { get; set; } = SandboxKind.Auto;

    [Required]
    public string FfmpegFolder { get; set; } = "/usr/bin";

    [Range(1, 1000)]
    public int PhotoMegapixels { get; set; } = 100;

    [Range(16, 65_535)]
    public int PhotoSide { get; set; } = 16_384;

    [Range(1, 10_000)]
    public int PhotoPages { get; set; } = 120;

    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan VideoDuration { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Of a video that its author lets us cut into segments of at most <see cref="VideoDuration"/>.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan SplitVideoDuration { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Of all videos of a story together.</summary>
    public TimeSpan StoryDuration => Limits.UploadsPerStory * VideoDuration is var whole && whole > SplitVideoDuration ? whole : SplitVideoDuration;

    [Range(1, 1000)]
    public double VideoFramesPerSecond { get; set; } = 240;

    /// <summary>What renditions have at most: 30, or 60 where smoothness is worth twice the work.</summary>
    [Range(1, 60)]
    public double FramesPerSecond { get; set; } = 30;

    [Range(1, 64)]
    public int VideoStreams { get; set; } = 8;

    [Range(16, 16_384)]
    public int VideoSide { get; set; } = 4096;

    [Range(1L << 20, 1L << 34)]
    public long ScratchBytes { get; set; } = 512L << 20;

    [Range(1L << 20, 1L << 34)]
    public long OutputBytes { get; set; } = 128L << 20;

    /// <summary>What one piece of work may take of scratch: decrypted, and made of it.</summary>
    public long WorkBytes => ScratchBytes + OutputBytes;

    /// <summary>For a photo; a video gets four times its duration on top.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan WallClock { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A render child is replaced after this many photos: what a decoder leaks does not add up.</summary>
    [Range(1, 100_000)]
    public int PhotosPerChild { get; set; } = 500;
}
