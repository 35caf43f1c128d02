namespace Stories.Core.Sponsored;

/// <summary>How much of what a line shows is looked at long enough to be a view.</summary>
public static class Viewability
{
    /// <summary>What is counted lately: creatives and people change.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromHours(6);

    /// <summary>As long as little is known, nearly all is taken for views: so a line is rather shown too little than too much.</summary>
    private const double Prior = 20;

    public static double Of(long valid, long viewable) => (viewable + Prior) / (Math.Max(valid, viewable) + Prior);
}
