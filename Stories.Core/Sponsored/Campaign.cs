using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>Lines with one purpose, one beneficiary and perhaps one common limit.</summary>
public sealed class Campaign
{
    private Campaign() { }

    public Guid Id { get; private set; }
    public Guid AdvertiserId { get; private set; }
    public string Name { get; private set; } = "";
    public CampaignObjective Objective { get; private set; }
    public ConfiguredStatus Status { get; private set; }

    /// <summary>Micros that all of its lines together are never billed above; null: their own budgets alone.</summary>
    public long? BudgetMicros { get; private set; }

    /// <summary>Held below the budget by the database.</summary>
    public long SettledMicros { get; private set; }
    public DateTimeOffset CreatedAt { get; private set; }

    public static Campaign Found(Guid id, Guid advertiser, string name, CampaignObjective objective, long? budgetMicros, DateTimeOffset now) => new()
    {
        Id = id,
        AdvertiserId = advertiser,
        Name = name,
        Objective = objective,
        Status = ConfiguredStatus.Draft,
        BudgetMicros = budgetMicros,
        CreatedAt = now,
    };

    /// <returns>False when it is archived, or the budget lies below what is settled.</returns>
    public bool Change(string name, CampaignObjective objective, long? budgetMicros)
    {
        if (Status == ConfiguredStatus.Archived || budgetMicros < SettledMicros) return false;
        (Name, Objective, BudgetMicros) = (name, objective, budgetMicros);
        return true;
    }

    /// <returns>False when it is archived, or would become a draft again.</returns>
    public bool Configure(ConfiguredStatus status)
    {
        if (Status == ConfiguredStatus.Archived || status == ConfiguredStatus.Draft) return Status == status;
        Status = status;
        return true;
    }
}
