using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>
/// <c>GET /v1/ads/reports/{kind}</c>: of the caller's own lines. Totals and days are exact, because they are what is billed; any other part
/// is shown only where it is large, with noise, and once its day is final.
/// </summary>
internal static class ShowReport
{
    /// <summary>Where no cap says less: what the policy allows a device in a day.</summary>
    private static readonly int MostShownInADay = new AdPolicy().PerDay;

    private static readonly Dictionary<ReportKind, IReadOnlyList<ReportColumn>> Columns = new()
    {
        [ReportKind.Delivery] = ReportColumns.Delivery,
        [ReportKind.Reach] = ReportColumns.Reach,
        [ReportKind.Retention] = ReportColumns.Retention,
        [ReportKind.Funnel] = ReportColumns.Funnel,
        [ReportKind.Invalid] = ReportColumns.Invalid,
        [ReportKind.Statement] = ReportColumns.Statement,
        [ReportKind.Blockers] = ReportColumns.Blockers,
        [ReportKind.Pacing] = [],
    };

    public static async Task<Results<Ok<ReportView>, FileContentHttpResult, ProblemHttpResult>> Handle(
        string kind, [AsParameters] ReportQuery query, Caller caller, StoriesDb db, ReportNumbers numbers, ReportSecrets secrets, ReportPacing pacing, LineStandings standings, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (query.Read(kind, DateOnly.FromDateTime(now.UtcDateTime)) is not { } asked || !Columns.TryGetValue(asked.Kind, out var columns)) return Problems.Of(ProblemCodes.ReportRefused);
        var (app, user) = (caller.Name.App, caller.Name.User);
        var lines = await db.Lines.AsNoTracking()
            .Where(l => db.Advertisers.Any(a => a.Id == l.AdvertiserId && a.App == app && a.User == user) && (query.Line == null || l.Id == query.Line) && (query.Campaign == null || l.CampaignId == query.Campaign))
            .OrderBy(l => l.CreatedAt).ThenBy(l => l.Id).ToListAsync(cancellationToken);
        if (lines.Count == 0 && (query.Line ?? query.Campaign) is not null) return Problems.Of(ProblemCodes.NotFound);

        Guid[] ids = [.. lines.Select(l => l.Id)];
        // Asked for first: what is counted meanwhile is in the sums, and only makes them less final.
        var finality = new Finality(now, await numbers.UncountedSinceAsync(cancellationToken));
        var days = await numbers.ReadAsync(ids, asked.From, asked.To, asked.By, cancellationToken);
        var lives = await numbers.ReadOrdinalsAsync(ids, cancellationToken);
        List<ReportRow> rows = asked.By switch
        {
            ReportBy.Total or ReportBy.Day => [.. lines.SelectMany(line => Exact(line, asked, columns, days, lives[line.Id], finality))],
            _ => [.. Broken(lines, asked, days, new Breakdown(await secrets.NoiseAsync(cancellationToken)), finality)],
        };
        if (asked.Kind == ReportKind.Blockers) rows = [.. rows.Zip(await standings.SnapshotsAsync(lines, cancellationToken), Explain)];
        if (asked.Kind == ReportKind.Pacing) rows = await pacing.FillAsync(rows, lines, asked, now, cancellationToken);
        var currency = lines.Count == 0 ? null : await db.Wallets.Where(w => w.AdvertiserId == lines[0].AdvertiserId).Select(w => w.Currency).FirstOrDefaultAsync(cancellationToken);
        var report = new ReportView(asked.Kind, asked.By, asked.From, asked.To, currency,
            asked.By > ReportBy.Day ? ReportColumns.BrokenDown : asked.Kind == ReportKind.Pacing ? ReportPacing.Columns : [.. columns.Select(c => c.Name)], rows);
        return query.Format == "csv" ? TypedResults.File(Encoding.UTF8.GetBytes(report.ToCsv()), "text/csv; charset=utf-8") : TypedResults.Ok(report);
    }

    private static IEnumerable<ReportRow> Exact(
        Line line, AskedReport asked, IReadOnlyList<ReportColumn> columns, Dictionary<(Guid, DateOnly), Dictionary<string, Sums>> days, Sums life, Finality finality)
    {
        string[] marks = asked.Kind is ReportKind.Reach or ReportKind.Invalid && ReportColumns.HasOrdinalGap(life) ? [ReportColumns.OrdinalGap] : [];
        if (asked.By == ReportBy.Day) return asked.Days.Select(day => Row(Of(day), day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), day));
        var total = new Sums();
        foreach (var day in asked.Days) total.Add(Of(day));
        return [Row(total, null, asked.To)];

        Sums Of(DateOnly day) => days.TryGetValue((line.Id, day), out var parts) ? parts[""] : new Sums();

        ReportRow Row(Sums sums, string? key, DateOnly last) =>
            new(line.Id, line.Name, key, finality.Of(last), Finality.At(last), [.. columns.Select(c => c.Read(sums))], marks);
    }

    private static ReportRow Explain(ReportRow row, LineSnapshot line)
    {
        var blockers = line.Blockers;
        return row with { Status = line.Status, Blockers = blockers, Marks = [.. blockers.Select(b => JsonNamingPolicy.CamelCase.ConvertName(b.Code.ToString()))] };
    }

    /// <summary>Parts of final days, and all else in one row that makes the total exact.</summary>
    private static IEnumerable<ReportRow> Broken(
        List<Line> lines, AskedReport asked, Dictionary<(Guid, DateOnly), Dictionary<string, Sums>> days, Breakdown breakdown, Finality finality)
    {
        foreach (var line in lines)
        {
            var parts = new SortedDictionary<string, BrokenDown>(StringComparer.Ordinal);
            var other = BrokenDown.Nothing;
            foreach (var day in asked.Days)
            {
                if (!days.TryGetValue((line.Id, day), out var counted)) continue;
                var exact = counted.ToDictionary(c => c.Key, c => ReportColumns.PartOf(c.Value));
                if (finality.Of(day) == ReportState.Provisional)
                {
                    other = exact.Values.Aggregate(other, (sum, part) => sum + part);
                    continue;
                }
                var (released, rest) = breakdown.Release(line.Id, day, asked.By.ToString(), exact, MostShownInADay);
                foreach (var (value, part) in released) parts[value] = parts.GetValueOrDefault(value, BrokenDown.Nothing) + part;
                other += rest;
            }
            foreach (var (value, part) in parts) yield return Row(value, part);
            yield return Row(ReportView.Other, other);

            ReportRow Row(string key, BrokenDown part) => new(line.Id, line.Name, key, finality.Of(asked.To), Finality.At(asked.To), [part.Shown, part.Devices, part.Actions], []);
        }
    }

    /// <param name="UncountedSince">Null: everything that came is counted.</param>
    private sealed record Finality(DateTimeOffset Now, DateTimeOffset? UncountedSince)
    {
        public static DateTimeOffset At(DateOnly day) => ReportNumbers.Midnight(day.AddDays(1)) + AdRecord.LateAfter;

        /// <summary>Nothing that comes now is of that day, and nothing waits that came while it could be.</summary>
        public ReportState Of(DateOnly day) => Now >= At(day) && (UncountedSince is not { } since || since >= At(day)) ? ReportState.Final : ReportState.Provisional;
    }
}

internal sealed record ReportQuery
{
    private const int MostDays = 92;
    private const int UsualDays = 30;

    public Guid? Line { get; init; }
    public Guid? Campaign { get; init; }

    /// <summary>The first day, UTC; 30 days by itself.</summary>
    public DateOnly? From { get; init; }

    /// <summary>The last day; today by itself.</summary>
    public DateOnly? To { get; init; }
    public string? By { get; init; }
    public string? Format { get; init; }

    /// <returns>Null when there is no such report.</returns>
    public AskedReport? Read(string kind, DateOnly today)
    {
        if (!TryWord(kind, out ReportKind report) || !TryWord(By ?? "total", out ReportBy by) || Format is not (null or "json" or "csv")) return null;
        if (by > ReportBy.Day && report is not (ReportKind.Delivery or ReportKind.Funnel)) return null;
        // What keeps a line is so now, and on no other day.
        if (by != ReportBy.Total && report == ReportKind.Blockers) return null;
        var to = To ?? today;
        var from = From ?? to.AddDays(1 - Math.Min(UsualDays, to.DayNumber + 1));
        return from > to || to.DayNumber - from.DayNumber >= MostDays || to == DateOnly.MaxValue || to.DayNumber > today.DayNumber + MostDays ? null : new AskedReport(report, by, from, to);
    }

    private static bool TryWord<T>(string word, out T value) where T : struct, Enum => Enum.TryParse(word, ignoreCase: true, out value) && char.IsAsciiLetter(word[0]) && Enum.IsDefined(value);
}

internal sealed record AskedReport(ReportKind Kind, ReportBy By, DateOnly From, DateOnly To)
{
    public IEnumerable<DateOnly> Days => Enumerable.Range(From.DayNumber, To.DayNumber - From.DayNumber + 1).Select(DateOnly.FromDayNumber);
}
