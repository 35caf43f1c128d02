namespace Stories.Protocol.Sponsored;

public enum AdvertiserState
{
    /// <summary>May prepare everything; nothing of it is shown until an operator has verified who it is.</summary>
    Pending,
    Verified,
    Suspended,

    /// <summary>By its owner, or because the owner's account was erased. For good.</summary>
    Closed,
}

/// <summary>What its owner wants of a campaign or a line; what becomes of that is an <see cref="EffectiveStatus"/>.</summary>
public enum ConfiguredStatus
{
    Draft,
    Active,
    Paused,
    Archived,
}

/// <summary>What a line really does now. <see cref="Blocker"/>s say why it is not what was wished.</summary>
public enum EffectiveStatus
{
    Draft,

    /// <summary>Wanted, and not yet begun.</summary>
    Scheduled,
    Active,

    /// <summary>Wanted, and something keeps it: see the blockers.</summary>
    Blocked,
    Paused,

    /// <summary>Its whole budget is spent.</summary>
    Exhausted,

    /// <summary>Its end has passed.</summary>
    Completed,
    Archived,
}

public enum CreativeState
{
    /// <summary>Its facts may still change; nothing has been made.</summary>
    Draft,
    Processing,

    /// <summary>Made, and not yet handed in.</summary>
    Ready,
    InReview,
    Approved,
    Rejected,

    /// <summary>Was approved; a reviewer stopped it.</summary>
    Suspended,
    Withdrawn,
}

/// <summary>Why a reviewer refuses a creative; docs/http.md explains each.</summary>
public enum ReviewReason
{
    Misleading,
    ProhibitedGoods,
    Political,
    AdultContent,
    Violence,
    Discrimination,
    UnmarkedDisclosure,
    WrongBeneficiary,
    Quality,
    Resubmitted,
    Other,
}

public enum ReviewDecision
{
    Approve,
    Reject,
    Suspend,

    /// <summary>Its bytes were erased at once: no answer to a review, but a request of its own.</summary>
    Erase,
}

public enum OfferState
{
    Live,
    Revoked,
}

/// <summary>Which lines are asked first, whatever their weight.</summary>
public enum Tier
{
    Sponsorship,
    Guaranteed,
    Standard,
    House,
}

/// <summary>How a budget is spread over its time.</summary>
public enum Pacing
{
    /// <summary>As people watch: by the learned curve.</summary>
    Even,

    /// <summary>The same for each minute.</summary>
    Linear,

    /// <summary>More at the beginning: share^0.7.</summary>
    Front,

    /// <summary>As fast as there are people.</summary>
    Asap,
}

public enum BudgetKind
{
    /// <summary>For each day in the line's time zone.</summary>
    Daily,
    Lifetime,
}

/// <summary>Where a sponsored status may stand.</summary>
public enum Placement
{
    /// <summary>Between the statuses of two people in the tray.</summary>
    Tray,
}

/// <summary>An unknown age is a minor's.</summary>
public enum AgeBand
{
    Unknown,
    Adult,
}

/// <summary>Why a line does not deliver as its owner wants. The names travel as codes.</summary>
public enum BlockerCode
{
    LineDraft,
    LinePaused,
    CampaignNotActive,
    AdvertiserNotVerified,
    AdvertiserSuspended,
    NoCreative,
    CreativeProcessing,
    CreativeNotSubmitted,
    PendingReview,
    CreativeRejected,

    /// <summary>What its creatives hand over is revoked or too near its end.</summary>
    OfferEnded,
    NoFunds,
    BudgetExhausted,
    DayBudgetExhausted,
    CampaignCapReached,
    NotStarted,
    Ended,
    OutsideDaypart,
    PacingHold,
    NoInventory,
}

/// <summary>What a campaign is for; told to reviewers and in reports.</summary>
public enum CampaignObjective
{
    Reach,
    Conversations,
    Product,
    Payments,
}

public enum TransferKind
{
    Funding,
    Settlement,
    Credit,
}
