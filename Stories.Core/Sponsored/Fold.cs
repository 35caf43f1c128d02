using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>
/// Counts records and says what of them is to be paid. Without any I/O: what it must know is given, what it found is taken.
/// One fold is one transaction; the order of its records changes no sum.
/// </summary>
public sealed class Fold(FoldFacts facts)
{
    private readonly Dictionary<CountKey, long> counts = [];
    private readonly Dictionary<(Guid Line, DateTimeOffset Hour, string Cell, string Creative), long> billable = [];

    public IReadOnlyDictionary<CountKey, long> Counts => counts;

    /// <summary>Those that have something to be paid: their money is to be known by <see cref="Settle"/>.</summary>
    public IEnumerable<FoldLine> LinesToSettle => billable.Keys.Select(k => k.Line).Distinct().Select(id => facts.Lines[id]).Where(line => !line.IsFree);

    /// <param name="arrived">The hour in which it did.</param>
    /// <param name="isNew">Its id was not counted before. Of what is late nobody asks: it is neither counted nor remembered.</param>
    public void Count(AdRecord record, DateTimeOffset arrived, bool isNew)
    {
        facts.Lines.TryGetValue(record.Line, out var line);
        var creative = line is null ? null : facts.Creatives.GetValueOrDefault((line.Advertiser, record.Creative));
        var isIssued = facts.Issued.Contains((record.Cell, record.Epoch, record.Line));
        // What is final stays so: what is late, or names an hour that cannot be, is counted in the hour in which it came.
        var isLate = record.IsLate(arrived);
        var hour = isLate || !HasHour(record, arrived) ? arrived : DateTimeOffset.FromUnixTimeSeconds(record.Hour);
        var place = new CountKey(line is null ? Guid.Empty : record.Line, creative is null ? "" : record.Creative, line is null || !isIssued ? "" : record.Cell, hour, "");

        Add(place, Counters.Received);
        if (isLate)
        {
            Add(place, Counters.Late);
            return;
        }
        if (!isNew)
        {
            Add(place, Counters.Duplicate);
            return;
        }
        if (Fault(record, line, creative, isIssued, arrived) is { } fault)
        {
            Add(place, Counters.Invalid);
            Add(place, Counters.Of(fault));
            return;
        }
        CountValid(record, creative!, place);
    }

    /// <summary>Distributes what is billable over budgets and wallets: each line's by the hour, and nobody above what is left.</summary>
    /// <param name="money">Knows the lines with their terms as they are now: they may have changed since the records were judged.</param>
    public IReadOnlyList<Charge> Settle(FoldMoney money)
    {
        var charges = new Dictionary<(Guid, DateOnly), Charge>();
        foreach (var (at, views) in billable.OrderBy(b => b.Key.Line).ThenBy(b => b.Key.Hour).ThenBy(b => b.Key.Cell, StringComparer.Ordinal).ThenBy(b => b.Key.Creative, StringComparer.Ordinal))
        {
            var line = money.Lines.GetValueOrDefault(at.Line);
            var place = new CountKey(at.Line, at.Creative, at.Cell, at.Hour, "");
            if (line is null || line.IsFree)
            {
                Add(place, Counters.Free, views);
                continue;
            }
            // Of an hour that lies in two days nobody knows which views were which: the day before has them, as far as its budget goes.
            var left = views;
            foreach (var day in line.DaysOf(at.Hour))
            {
                var (billed, amount) = money.Charge(line, day, left);
                if (billed == 0) continue;
                Add(place, Counters.Billed, billed);
                Add(place, Counters.SettledMicros, amount);
                left -= billed;
                var before = charges.GetValueOrDefault((at.Line, day)) ?? new Charge(line, day, 0, 0);
                charges[(at.Line, day)] = before with { Views = before.Views + billed, Amount = before.Amount + amount };
            }
            Add(place, Counters.Overdelivered, left);
        }
        billable.Clear();
        return [.. charges.Values];
    }

    private void CountValid(AdRecord record, FoldCreative creative, CountKey place)
    {
        Add(place, Counters.Valid);
        Add(place, Counters.Of(record.Quartile));
        Add(place, Counters.Of(record.Dwell));
        Add(place, Counters.Ordinal(record.Ordinal));
        if (record.Skipped) Add(place, Counters.Skip(record.Dwell));
        if (record.Action != AdAction.None) Add(place, Counters.Of(record.Action));
        if (!record.IsViewable(creative.Duration is not null))
        {
            Add(place, Counters.Free);
            return;
        }
        Add(place, Counters.Viewable);
        var key = (place.Line, place.Hour, place.Cell, place.Creative);
        billable[key] = billable.GetValueOrDefault(key) + 1;
    }

    private static InvalidReason? Fault(AdRecord record, FoldLine? line, FoldCreative? creative, bool isIssued, DateTimeOffset arrived) =>
        line is null ? InvalidReason.UnknownLine
        : creative is null ? InvalidReason.UnknownCreative
        : record.FindFault(creative.Duration, creative.Action, arrived) ?? (isIssued ? null : InvalidReason.StaleEpoch);

    /// <summary>Devices' clocks are up to an hour ahead.</summary>
    private static bool HasHour(AdRecord record, DateTimeOffset arrived) =>
        record.Hour % AdRecord.HourSeconds == 0 && record.Hour <= arrived.ToUnixTimeSeconds() + AdRecord.HourSeconds;

    private void Add(CountKey place, string counter, long value = 1)
    {
        if (value == 0) return;
        var key = place with { Counter = counter };
        counts[key] = counts.GetValueOrDefault(key) + value;
    }
}

/// <summary>What the records of a fold name, as far as the service knows it.</summary>
/// <param name="Creatives">By advertiser and digest.</param>
/// <param name="Issued">Cell, epoch and line: some catalog of them held it.</param>
public sealed record FoldFacts(
    IReadOnlyDictionary<Guid, FoldLine> Lines,
    IReadOnlyDictionary<(Guid Advertiser, string Digest), FoldCreative> Creatives,
    IReadOnlySet<(string Cell, long Epoch, Guid Line)> Issued);

/// <param name="Duration">Null for a picture.</param>
public sealed record FoldCreative(TimeSpan? Duration, CallToActionKind Action);

public sealed record FoldLine(Guid Id, Guid Campaign, Guid Advertiser, LineTerms Terms)
{
    private readonly TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(Terms.TimeZone);

    public bool IsFree => Terms.Tier == Tier.House || Terms.PriceMicros == 0;

    /// <summary>Those days of its budget on which it could be shown within an hour, in order: two where its zone's midnight lies in the hour, none outside its flight.</summary>
    public IEnumerable<DateOnly> DaysOf(DateTimeOffset hour)
    {
        var end = hour + TimeSpan.FromSeconds(AdRecord.HourSeconds);
        var (from, to) = (hour > Terms.StartsAt ? hour : Terms.StartsAt, end < Terms.EndsAt ? end : Terms.EndsAt);
        if (from >= to) yield break;
        var (first, last) = (DayOf(from), DayOf(to - TimeSpan.FromTicks(1)));
        yield return first;
        if (last != first) yield return last;
    }

    /// <summary>The day of its budget.</summary>
    public DateOnly DayOf(DateTimeOffset instant) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(instant, zone).DateTime);
}

/// <summary>Views of a line on one of its days that are paid.</summary>
public sealed record Charge(FoldLine Line, DateOnly Day, long Views, long Amount);

/// <summary>What is left, while a fold takes of it. The rows behind it are locked.</summary>
public sealed class FoldMoney
{
    private readonly Dictionary<Guid, FoldLine> lines = [];
    private readonly Dictionary<Guid, long> billed = [];
    private readonly Dictionary<object, long> left = [];
    private readonly Dictionary<(Guid Line, DateOnly Day), long> budgets = [];

    internal IReadOnlyDictionary<Guid, FoldLine> Lines => lines;

    /// <param name="billedSoFar">Views, by which the price of the next is reckoned.</param>
    /// <param name="settled">Micros, of a lifetime's budget.</param>
    public void Know(FoldLine line, long billedSoFar, long settled)
    {
        lines[line.Id] = line;
        billed[line.Id] = billedSoFar;
        if (line.Terms.BudgetKind == BudgetKind.Lifetime) left[line.Id] = line.Terms.BudgetMicros - settled;
    }

    /// <param name="budget">Null: none of its own.</param>
    public void KnowCampaign(Guid campaign, long? budget, long settled)
    {
        if (budget is { } most) left[("campaign", campaign)] = most - settled;
    }

    public void KnowWallet(Guid advertiser, long balance) => left[("wallet", advertiser)] = balance;

    /// <summary>Of a day that was charged before.</summary>
    /// <param name="budget">As it stood then: of a day that is over it is not changed any more, whatever the line's is now.</param>
    public void KnowDay(Guid id, DateOnly day, long settled, long? budget, DateTimeOffset now)
    {
        var line = lines[id];
        if (line.Terms.BudgetKind != BudgetKind.Daily) return;
        if (budget is { } past && day < line.DayOf(now)) budgets[(id, day)] = past;
        left[(id, day)] = BudgetOf(line, day)!.Value - settled;
    }

    /// <returns>Null: the day has none of its own.</returns>
    public long? BudgetOf(FoldLine line, DateOnly day) =>
        line.Terms.BudgetKind == BudgetKind.Daily ? budgets.GetValueOrDefault((line.Id, day), line.Terms.BudgetMicros) : null;

    /// <returns>How many of the views are paid, and how much.</returns>
    internal (long Views, long Amount) Charge(FoldLine line, DateOnly day, long views)
    {
        object wallet = ("wallet", line.Advertiser), campaign = ("campaign", line.Campaign);
        object own = line.Terms.BudgetKind == BudgetKind.Daily ? (line.Id, day) : line.Id;
        left.TryAdd(own, line.Terms.BudgetMicros);
        var most = Math.Min(left[own], Math.Min(left.GetValueOrDefault(wallet), left.GetValueOrDefault(campaign, long.MaxValue)));
        // Below nothing after a budget was lowered.
        var paid = most < 0 ? 0 : Math.Min(views, Cost.Affordable(billed[line.Id], line.Terms.PriceMicros, most));
        if (paid == 0) return (0, 0);
        var amount = Cost.Of(billed[line.Id] + paid, line.Terms.PriceMicros) - Cost.Of(billed[line.Id], line.Terms.PriceMicros);
        billed[line.Id] += paid;
        foreach (var purse in (object[])[own, wallet, campaign])
            if (left.TryGetValue(purse, out var has)) left[purse] = has - amount;
        return (paid, amount);
    }
}
