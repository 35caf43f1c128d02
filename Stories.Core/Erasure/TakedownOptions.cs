using System.ComponentModel.DataAnnotations;

namespace Stories.Core.Erasure;

public sealed class TakedownOptions
{
    public const string Section = "Takedowns";

    /// <summary>Rows that say that something was taken down, and why, are kept this long: for statistics, without content.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan KeptFor { get; set; } = TimeSpan.FromDays(90);
}
