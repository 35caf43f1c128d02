namespace Stories.Protocol.Sponsored;

/// <summary>Why billed views are given back.</summary>
public enum CreditReason
{
    /// <summary>They turned out not to have been people's.</summary>
    InvalidTraffic,

    /// <summary>The service showed or counted wrongly.</summary>
    ServiceFault,
    Goodwill,
}
