using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>One booking: what, for whom, when, how often, for how much. It delivers what its creatives show.</summary>
public sealed class Line
{
    private Line() { }

    public Guid Id { get; private set; }
    public Guid CampaignId { get; private set; }
    public Guid AdvertiserId { get; private set; }
    public string Name { get; private set; } = "";
    public ConfiguredStatus Status { get; private set; }
    public LineTerms Terms { get; private set; } = null!;

    // Of the terms, for constraints and indexes.
    public BudgetKind BudgetKind { get; private set; }
    public long BudgetMicros { get; private set; }
    public DateTimeOffset StartsAt { get; private set; }
    public DateTimeOffset EndsAt { get; private set; }

    /// <summary>Views billed so far; the price of the next depends on it.</summary>
    public long Billed { get; private set; }

    /// <summary>Held below a lifetime's budget by the database; a day's by its <see cref="LineDay"/>.</summary>
    public long SettledMicros { get; private set; }
    public DateTimeOffset CreatedAt { get; private set; }

    /// <summary>When terms, status or creatives were last changed: catalogs made before are made again.</summary>
    public DateTimeOffset ChangedAt { get; private set; }

    public static Line Book(Guid id, Campaign campaign, string name, LineTerms terms, DateTimeOffset now)
    {
        var line = new Line { Id = id, CampaignId = campaign.Id, AdvertiserId = campaign.AdvertiserId, Status = ConfiguredStatus.Draft, CreatedAt = now };
        line.Take(name, terms, now);
        return line;
    }

    public LineChange Change(string name, LineTerms terms, DateTimeOffset now)
    {
        if (Status == ConfiguredStatus.Archived) return LineChange.Archived;
        if (Billed > 0 && terms.PriceMicros != Terms.PriceMicros) return LineChange.PriceFixed;
        if (Billed > 0 && (terms.BudgetKind != BudgetKind || terms.TimeZone != Terms.TimeZone)) return LineChange.BudgetKindFixed;
        if (terms.BudgetKind == BudgetKind.Lifetime && terms.BudgetMicros < SettledMicros) return LineChange.BudgetBelowSettled;
        Take(name, terms, now);
        return LineChange.Changed;
    }

    /// <returns>False when it is archived, or would become a draft again.</returns>
    public bool Configure(ConfiguredStatus status, DateTimeOffset now)
    {
        if (Status == ConfiguredStatus.Archived || status == ConfiguredStatus.Draft) return Status == status;
        (Status, ChangedAt) = (status, now);
        return true;
    }

    public void Touch(DateTimeOffset now) => ChangedAt = now;

    private void Take(string name, LineTerms terms, DateTimeOffset now)
    {
        // Its zone is a field of its own; instants are kept without one.
        terms = terms with { StartsAt = terms.StartsAt.ToUniversalTime(), EndsAt = terms.EndsAt.ToUniversalTime() };
        (Name, Terms, ChangedAt) = (name, terms, now);
        (BudgetKind, BudgetMicros, StartsAt, EndsAt) = (terms.BudgetKind, terms.BudgetMicros, terms.StartsAt, terms.EndsAt);
    }
}

public enum LineChange
{
    Changed,
    Archived,
    PriceFixed,
    BudgetKindFixed,
    BudgetBelowSettled,
}

/// <summary>What a line was billed on one day of its time zone. With a daily budget the database holds it below.</summary>
public sealed class LineDay
{
    private LineDay() { }

    public Guid LineId { get; private set; }
    public DateOnly Day { get; private set; }

    /// <summary>Null for a lifetime budget.</summary>
    public long? BudgetMicros { get; private set; }
    public long Billed { get; private set; }
    public long SettledMicros { get; private set; }
}

/// <summary>Which creatives a line shows.</summary>
public sealed class LineCreative
{
    private LineCreative() { }

    public Guid LineId { get; private set; }
    public Guid CreativeId { get; private set; }

    public static LineCreative Of(Guid line, Guid creative) => new() { LineId = line, CreativeId = creative };
}
