using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>How far the lines of a plan are off theirs, ahead or behind, as a share of what was planned until then.</summary>
public sealed record PacingErrors(double Mean, double P50, double P90, double P99)
{
    public static PacingErrors None { get; } = new(0, 0, 0, 0);

    /// <summary>Of lines that pay and have a course: asap has none, and a plan of less than a view says nothing.</summary>
    public static PacingErrors Of(Plan plan)
    {
        var off = plan.Lines.Where(l => l.Pace.Plan >= 1 && l.Line.Terms.Pacing != Pacing.Asap && l.Line.Terms.PriceMicros > 0)
            .Select(l => Math.Abs(l.Line.Period.Spent - l.Pace.Plan) / l.Pace.Plan).Order().ToList();
        return off.Count == 0 ? None : new PacingErrors(off.Average(), At(off, 50), At(off, 90), At(off, 99));
    }

    /// <summary>The least of which so many per cent are not above it.</summary>
    private static double At(List<double> sorted, int percent) => sorted[(sorted.Count * percent + 99) / 100 - 1];
}
