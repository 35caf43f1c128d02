namespace Stories.Core.Viewing;

/// <summary>How long a signed URL may live; never past its story.</summary>
public static class UrlLife
{
    private static readonly TimeSpan Grid = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Between one and two minutes, ending on a full minute: everybody who asks within the same minute gets the same URL,
    /// so that caches in between can serve it. Null when under a second is left.
    /// </summary>
    public static DateTimeOffset? ForSealed(DateTimeOffset now, DateTimeOffset storyExpiresAt) =>
        Bound(new DateTimeOffset((now.UtcTicks / Grid.Ticks + 2) * Grid.Ticks, TimeSpan.Zero), now, storyExpiresAt);

    /// <summary>A player asks for pieces of the same URL for as long as the video runs.</summary>
    public static DateTimeOffset? ForClear(TimeSpan? duration, DateTimeOffset now, DateTimeOffset storyExpiresAt) =>
        Bound(now + (duration ?? TimeSpan.Zero) + 2 * Grid, now, storyExpiresAt);

    private static DateTimeOffset? Bound(DateTimeOffset wanted, DateTimeOffset now, DateTimeOffset storyExpiresAt)
    {
        var end = wanted < storyExpiresAt ? wanted : storyExpiresAt;
        // Storage knows whole seconds; rounding up would outlive the story.
        end = new DateTimeOffset(end.UtcTicks - end.UtcTicks % TimeSpan.TicksPerSecond, TimeSpan.Zero);
        return end - now >= Least ? end : null;
    }
}
