using System.ComponentModel.DataAnnotations;

namespace Stories.Core.Sponsored;

/// <summary>How records are taken and counted.</summary>
public sealed class RecordOptions
{
    public const string Section = "Records";

    /// <summary>Of one account, on a UTC day.</summary>
    [Range(1, 100_000)]
    public int PerDay { get; set; } = 200;

    /// <summary>A pool of so many is closed and counted.</summary>
    [Range(1, 10_000)]
    public int ReleaseAt { get; set; } = 500;

    /// <summary>So many of them, drawn by chance, wait on in the next one: what comes first into it does not stand alone.</summary>
    [Range(0, 5_000)]
    public int Remain { get; set; } = 100;

    /// <summary>A pool is closed after this, however few are in it: reports are not to be older.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "1.00:00:00")]
    public TimeSpan ReleaseAfter { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Workers look so often for what is to be counted.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan FoldEvery { get; set; } = TimeSpan.FromSeconds(5);
}
