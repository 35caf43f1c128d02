using System.ComponentModel.DataAnnotations;

namespace Stories.Core.Apps;

/// <summary>What one user may have.</summary>
public sealed class AppOptions
{
    public const string Section = "Apps";

    [Range(1, 100)]
    public int DevicesPerUser { get; set; } = 10;

    [Range(1, 10_000)]
    public int AudiencesPerUser { get; set; } = 200;

    [Range(1, 100_000)]
    public int MembersPerAudience { get; set; } = 1000;
}
