namespace Stories.Protocol.Sponsored;

/// <summary>What stands against a forecast, or makes it uncertain.</summary>
public enum ForecastWarning
{
    /// <summary>Its end has passed.</summary>
    Over,

    /// <summary>Nobody for whom it is has looked for a week.</summary>
    NobodyLooks,

    /// <summary>All that others leave is less than 1.15 times what is wanted: too little for an even course.</summary>
    TooFewPeople,

    /// <summary>Some whole day offers less than 1.15 times what a daily budget wants.</summary>
    ShortDays,

    /// <summary>The wallet does not pay for what could be delivered.</summary>
    NotEnoughFunds,

    /// <summary>Less than a week is known of these people.</summary>
    StillLearning,
}

/// <summary>What the catalogs of now do with a line in one cell.</summary>
public enum CellVerdict
{
    /// <summary>Devices may choose it.</summary>
    Delivering,

    /// <summary>Devices may choose it, but lines of higher tiers take nine of ten places.</summary>
    Outranked,

    /// <summary>It is in the catalog and waits for its next window.</summary>
    OutsideWindow,

    /// <summary>The plan keeps it back in this epoch: it is ahead, or what is left of its budget is on its way.</summary>
    Held,

    /// <summary>The catalog is full of lines of higher tiers or larger weights.</summary>
    Full,

    /// <summary>Nobody looks there now, so there is no catalog.</summary>
    NobodyLooks,
}
