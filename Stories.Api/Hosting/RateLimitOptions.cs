using System.ComponentModel.DataAnnotations;

namespace Stories.Api.Hosting;

public sealed class RateLimitOptions
{
    public const string Section = "RateLimits";

    [Range(1, 1_000_000)]
    public int PerSecond { get; set; } = 20;

    [Range(1, 1_000_000)]
    public int Burst { get; set; } = 60;
}
