using System.ComponentModel.DataAnnotations;

namespace Stories.Core.Erasure;

public sealed class BucketOptions
{
    public const string Section = "Buckets";

    /// <summary>How long, at most, something stays in storage after it expired. 1 minute in development.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan Width { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How often the sweep looks for buckets that are due.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan SweepEvery { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Rows of erased buckets are kept this long: the record of what was erased, without content.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan RecordKeptFor { get; set; } = TimeSpan.FromDays(90);
}
