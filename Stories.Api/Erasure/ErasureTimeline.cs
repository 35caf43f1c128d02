using System.Globalization;
using System.Net;
using System.Text;
using Stories.Core.Erasure;

namespace Stories.Api.Erasure;

internal sealed record BucketMark(
    Guid Id, DateTimeOffset Due, BucketState State, DateTimeOffset? SealedAt, DateTimeOffset? ErasedAt, int Stories, int Blobs, long Bytes);

/// <summary>Where a bucket is; what should be gone comes first.</summary>
internal enum BucketPhase
{
    Overdue,
    Due,
    Erased,
    Coming,
}

/// <summary>
/// A picture of buckets along time: how long each took from its end until it was gone, and how many stories were in it. Attributes only, no style and
/// no script, so that any policy lets it be; what it shows is also said in words.
/// </summary>
/// <param name="allowed">How long after its end a bucket is overdue.</param>
internal sealed class ErasureTimeline(IReadOnlyList<BucketMark> marks, DateTimeOffset now, TimeSpan allowed)
{
    private const double Width = 960, Left = 60, LagTop = 24, LagBottom = 184, StoriesTop = 214, StoriesBottom = 264, Height = 300;
    private const double LeastBar = 2;

    /// <summary>Back, and ahead.</summary>
    public static readonly TimeSpan Span = TimeSpan.FromDays(1);

    private static readonly (double Seconds, string Word)[] Lags = [(1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"), (36000, "10 h")];

    private readonly int mostStories = Math.Max(1, marks.Select(m => m.Stories).DefaultIfEmpty().Max());

    public IReadOnlyList<BucketMark> Marks => marks;

    public DateTimeOffset Now => now;

    public string Summary
    {
        get
        {
            var erased = marks.Where(m => m.ErasedAt is not null).ToList();
            var longest = erased.Count > 0 ? $", the longest took {Write(erased.Max(m => m.ErasedAt!.Value - m.Due))} from its end" : "";
            return $"Of the last {Span.TotalHours:0} hours {Count(erased.Count, "bucket is", "buckets are")} erased, with {Count(erased.Sum(m => m.Stories), "story", "stories")}{longest}. " +
                $"{Count(marks.Count(m => PhaseOf(m) == BucketPhase.Due), "bucket is", "buckets are")} due now, {Count(marks.Count(m => PhaseOf(m) == BucketPhase.Overdue), "is", "are")} overdue. " +
                $"In the next {Span.TotalHours:0} hours {Count(marks.Count(m => PhaseOf(m) == BucketPhase.Coming), "bucket ends", "buckets end")}.";
        }
    }

    public BucketPhase PhaseOf(BucketMark mark) =>
        mark.State == BucketState.Erased ? BucketPhase.Erased
        : mark.Due > now ? BucketPhase.Coming
        : mark.Due <= now - allowed ? BucketPhase.Overdue
        : BucketPhase.Due;

    public static string WordFor(BucketPhase phase) => phase switch
    {
        BucketPhase.Erased => "erased",
        BucketPhase.Due => "due",
        BucketPhase.Overdue => "overdue",
        _ => "to come",
    };

    public static string Write(TimeSpan time) =>
        time.TotalHours >= 1 ? FormattableString.Invariant($"{time.TotalHours:0.0} h")
        : time.TotalMinutes >= 1 ? FormattableString.Invariant($"{time.TotalMinutes:0.0} min")
        : FormattableString.Invariant($"{time.TotalSeconds:0.0} s");

    public string Draw()
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""<svg viewBox="0 0 {Width} {Height}" width="100%" role="img" aria-labelledby="erasures-title erasures-words" font-size="11" fill="currentColor">""");
        svg.Append(CultureInfo.InvariantCulture, $"<title id=\"erasures-title\">Buckets along time</title><desc id=\"erasures-words\">{WebUtility.HtmlEncode(Summary)}</desc>");
        DrawScales(svg);
        // Late ones last: nothing hides them.
        foreach (var mark in marks.OrderByDescending(PhaseOf)) DrawMark(svg, mark);
        DrawLegend(svg);
        return svg.Append("</svg>").ToString();
    }

    private void DrawScales(StringBuilder svg)
    {
        foreach (var (seconds, word) in Lags)
        {
            Line(svg, Left, LagY(seconds), Width, LagY(seconds), "#999", "stroke-opacity=\"0.35\"");
            Text(svg, Left - 6, LagY(seconds) + 4, "end", word);
        }
        Line(svg, Left, LagY(allowed.TotalSeconds), Width, LagY(allowed.TotalSeconds), "#c5221f", "stroke-dasharray=\"5 4\"");
        Text(svg, Width, LagY(allowed.TotalSeconds) - 4, "end", $"overdue after {Write(allowed)}");
        Line(svg, Left, LagBottom, Width, LagBottom, "currentColor");
        Text(svg, Left - 6, StoriesTop + 4, "end", mostStories.ToString(CultureInfo.InvariantCulture));
        Text(svg, Left - 6, StoriesBottom, "end", "stories");
        Line(svg, Left, StoriesBottom, Width, StoriesBottom, "currentColor");
        for (var hour = -24; hour <= 24; hour += 6)
        {
            var x = X(now + TimeSpan.FromHours(hour));
            Line(svg, x, StoriesBottom, x, StoriesBottom + 4, "currentColor");
            Text(svg, x, StoriesBottom + 16, hour == 24 ? "end" : hour == -24 ? "start" : "middle", hour == 0 ? $"now, {now.UtcDateTime.ToString("HH:mm", CultureInfo.InvariantCulture)} UTC" : FormattableString.Invariant($"{hour:+0;-0} h"));
        }
        Line(svg, X(now), LagTop - 6, X(now), StoriesBottom, "currentColor", "stroke-dasharray=\"2 3\"");
        Text(svg, Left, LagTop - 12, "start", "from due until gone");
    }

    /// <summary>Above, how long it took or takes so far; below, how many stories. Pointing at it says the rest.</summary>
    private void DrawMark(StringBuilder svg, BucketMark mark)
    {
        var phase = PhaseOf(mark);
        // What is overdue for longer than the picture reaches stands at its edge.
        var x = Math.Max(Left, X(mark.Due));
        var top = phase == BucketPhase.Coming ? LagBottom - 4 : Math.Min(LagBottom - LeastBar, LagY(((mark.ErasedAt ?? now) - mark.Due).TotalSeconds));
        var stories = Math.Max(mark.Stories > 0 ? LeastBar : 0, (StoriesBottom - StoriesTop) * mark.Stories / mostStories);
        var (colour, outline) = ColourOf(phase);
        svg.Append(CultureInfo.InvariantCulture, $"<g fill=\"{colour}\"{outline}><title>{WebUtility.HtmlEncode(Words(mark, phase))}</title>");
        Bar(svg, x, top, LagBottom - top);
        Bar(svg, x, StoriesBottom - stories, stories);
        // Not by colour alone.
        if (phase == BucketPhase.Overdue) svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{x - 4:0.0} {top - 10:0.0}h8l-4 8z\"/>");
        svg.Append("</g>");
    }

    private static string Words(BucketMark mark, BucketPhase phase)
    {
        var times = $"due {Clock(mark.Due)}{(mark.SealedAt is { } at ? $", sealed {Clock(at)}" : "")}{(mark.ErasedAt is { } gone ? $", erased {Clock(gone)}, after {Write(gone - mark.Due)}" : "")}";
        return $"{WordFor(phase)}: {times}; {Count(mark.Stories, "story", "stories")}";
    }

    private static void DrawLegend(StringBuilder svg)
    {
        var x = Left + 200;
        foreach (var phase in (BucketPhase[])[BucketPhase.Erased, BucketPhase.Due, BucketPhase.Overdue, BucketPhase.Coming])
        {
            var (colour, outline) = ColourOf(phase);
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x}\" y=\"3\" width=\"9\" height=\"9\" fill=\"{colour}\"{outline}/>");
            Text(svg, x + 14, 12, "start", WordFor(phase));
            x += 80;
        }
    }

    private static (string Fill, string Outline) ColourOf(BucketPhase phase) => phase switch
    {
        BucketPhase.Erased => ("#1a73e8", ""),
        BucketPhase.Due => ("#f29900", ""),
        BucketPhase.Overdue => ("#c5221f", ""),
        _ => ("none", " stroke=\"#777\""),
    };

    private double X(DateTimeOffset time) => Left + (Width - Left) * ((time - now) / Span + 1) / 2;

    /// <summary>Seconds and hours in one picture: by their logarithm.</summary>
    private static double LagY(double seconds) => LagBottom - (LagBottom - LagTop) * Math.Clamp(Math.Log10(Math.Max(0.5, seconds) / 0.5) / Math.Log10(36000 / 0.5), 0, 1);

    private static void Bar(StringBuilder svg, double x, double y, double height) =>
        svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x - LeastBar / 2:0.0}\" y=\"{y:0.0}\" width=\"{LeastBar}\" height=\"{height:0.0}\"/>");

    private static void Line(StringBuilder svg, double x1, double y1, double x2, double y2, string colour, string more = "") =>
        svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x1:0.0}\" y1=\"{y1:0.0}\" x2=\"{x2:0.0}\" y2=\"{y2:0.0}\" stroke=\"{colour}\" {more}/>");

    private static void Text(StringBuilder svg, double x, double y, string anchor, string text) =>
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:0.0}\" y=\"{y:0.0}\" text-anchor=\"{anchor}\">{WebUtility.HtmlEncode(text)}</text>");

    private static string Count(int count, string one, string many) => $"{count.ToString("#,0", CultureInfo.InvariantCulture)} {(count == 1 ? one : many)}";

    private static string Clock(DateTimeOffset time) => time.UtcDateTime.ToString("HH:mm:ss", CultureInfo.InvariantCulture);
}
