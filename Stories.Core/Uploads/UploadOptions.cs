using System.ComponentModel.DataAnnotations;

namespace Stories.Core.Uploads;

public sealed class UploadOptions
{
    public const string Section = "Uploads";

    [Range(1, long.MaxValue)]
    public long MaxBytes { get; set; } = 64L << 20;

    /// <summary>An unfinished or unused upload goes after this.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "1.00:00:00")]
    public TimeSpan Life { get; set; } = TimeSpan.FromHours(24);

    [Range(1, 50_000)]
    public int MaxBlocks { get; set; } = 10_000;

    /// <summary>Requests that may carry bytes of one upload.</summary>
    [Range(1, 50_000)]
    public int MaxParts { get; set; } = 2_000;

    /// <summary>Once so many times its length has come in vain (against its checksum, or when a newer request took over) it takes no more.</summary>
    [Range(1, 100)]
    public int WastedLengths { get; set; } = 4;

    [Range(1, 10_000)]
    public int OpenPerUser { get; set; } = 10;

    [Range(1, long.MaxValue)]
    public long OpenBytesPerUser { get; set; } = 256L << 20;

    [Range(1, long.MaxValue)]
    public long BytesPerUserPerDay { get; set; } = 1L << 30;

    /// <summary>Bytes staged at a time.</summary>
    [Range(64 << 10, 64 << 20)]
    public int BlockBytes { get; set; } = 4 << 20;

    /// <summary>All buffers of this process together; bodies wait for their share.</summary>
    [Range(8L << 20, long.MaxValue)]
    public long BufferBudgetBytes { get; set; } = 128L << 20;

    /// <summary>A sender that is silent this long has its bytes staged and is let go.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);
}
