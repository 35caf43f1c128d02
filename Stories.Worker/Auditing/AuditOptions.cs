using System.ComponentModel.DataAnnotations;

namespace Stories.Worker.Auditing;

public sealed class AuditOptions
{
    public const string Section = "Audit";

    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan Every { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// What has been wrong for less is left to whoever is still at it: an upload in progress, a sweep that comes in 15 s, storage
    /// that takes its time.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "1.00:00:00")]
    public TimeSpan Grace { get; set; } = TimeSpan.FromHours(1);

    /// <summary>A run that would mend more mends nothing: then it is more likely the database that is wrong.</summary>
    [Range(1, 1_000_000)]
    public int MostRepairs { get; set; } = 100;
}
