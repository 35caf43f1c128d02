using System.Globalization;

namespace Stories.Client.Cli;

/// <summary>Durations as people write them: <c>90s</c>, <c>10m</c>, <c>24h</c>, <c>2d</c>.</summary>
internal static class Durations
{
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = default;
        if (text is not { Length: > 1 } || !int.TryParse(text.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count > 100_000) return false;
        TimeSpan? unit = text[^1] switch
        {
            's' => TimeSpan.FromSeconds(1),
            'm' => TimeSpan.FromMinutes(1),
            'h' => TimeSpan.FromHours(1),
            'd' => TimeSpan.FromDays(1),
            _ => null,
        };
        duration = count * unit.GetValueOrDefault();
        return unit is not null;
    }

    /// <summary>What is left, in one unit.</summary>
    public static string Write(TimeSpan left) => left.TotalHours >= 1 ? $"{(int)left.TotalHours} h" : left.TotalMinutes >= 1 ? $"{(int)left.TotalMinutes} min" : $"{Math.Max(0, (int)left.TotalSeconds)} s";
}
