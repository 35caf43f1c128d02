using System.Text.Json.Serialization;
using Stories.Protocol.Sponsored;

namespace Stories.Protocol.Contracts;

/// <summary>Who books sponsored statuses for an account.</summary>
/// <param name="LegalName">As a register knows it.</param>
/// <param name="DisplayName">As viewers see it, at most 40 characters.</param>
/// <param name="Country">ISO 3166-1 alpha-2.</param>
/// <param name="Contact">Whom an operator asks.</param>
/// <param name="Currency">ISO 4217, of its wallet; fixed by the first request.</param>
/// <param name="OfferKey">Ed25519, 32 bytes: signs its offers. A new one revokes what the old one signed.</param>
public sealed record AdvertiserRequest(string LegalName, string DisplayName, string Country, string Contact, string Currency, byte[]? OfferKey = null);

public sealed record AdvertiserView(
    Guid Id, string LegalName, string DisplayName, string Country, string Contact, byte[]? OfferKey, AdvertiserState State, DateTimeOffset CreatedAt, DateTimeOffset? DecidedAt, WalletView Wallet);

/// <param name="BalanceMicros">Paid in and not used.</param>
public sealed record WalletView(string Currency, long BalanceMicros);

public sealed record AdvertiserList(IReadOnlyList<AdvertiserView> Advertisers);

public enum AdvertiserDecision
{
    Verify,
    Suspend,
}

public sealed record DecisionRequest([property: JsonRequired] AdvertiserDecision Decision);

/// <summary>What became of a decision; it names nobody.</summary>
public sealed record AdvertiserStanding(Guid Id, AdvertiserState State, DateTimeOffset? DecidedAt);

/// <param name="AmountMicros">Of the wallet's currency.</param>
/// <param name="Reference">Of the payment, for instance of a bank's statement: the same is booked once.</param>
public sealed record FundingRequest(long AmountMicros, string Reference);

/// <summary>One movement of money.</summary>
/// <param name="Debit">The account it goes from.</param>
/// <param name="Credit">The account it goes to.</param>
public sealed record TransferView(Guid Id, TransferKind Kind, string Debit, string Credit, long AmountMicros, string Currency, Guid? Line, DateTimeOffset At);

/// <param name="Transfers">Newest first.</param>
/// <param name="Before">For the next page; null when there is none.</param>
public sealed record TransferList(IReadOnlyList<TransferView> Transfers, Guid? Before);

/// <param name="BudgetMicros">All of its lines together are never billed above; null: their own budgets alone.</param>
/// <param name="NotPolitical">Has to be declared: nothing political is shown.</param>
/// <param name="Status">Null: a draft, or as it is.</param>
public sealed record CampaignRequest(string Name, CampaignObjective Objective, long? BudgetMicros, bool NotPolitical, ConfiguredStatus? Status = null);

public sealed record CampaignView(Guid Id, string Name, CampaignObjective Objective, ConfiguredStatus Status, long? BudgetMicros, long SettledMicros, DateTimeOffset CreatedAt);

public sealed record CampaignList(IReadOnlyList<CampaignView> Campaigns);

/// <summary>Books a line, as a draft.</summary>
/// <param name="Creatives">Ids of the advertiser's own; they may be given later.</param>
public sealed record LineRequest([property: JsonRequired] Guid Campaign, string Name, LineTerms Terms, IReadOnlyList<Guid>? Creatives = null);

public sealed record LineTermsRequest(string Name, LineTerms Terms);

public sealed record LineStatusRequest([property: JsonRequired] ConfiguredStatus Status);

public sealed record LineCreativesRequest(IReadOnlyList<Guid> Creatives);

/// <summary>A line as it was wished, and as it is.</summary>
/// <param name="Status">As configured.</param>
/// <param name="Effective">What it really does now.</param>
/// <param name="Blockers">Why it does not deliver at this moment; empty when it does.</param>
/// <param name="Billed">Views.</param>
/// <param name="DaySettledMicros">Of the day in its time zone.</param>
public sealed record LineView(
    Guid Id,
    Guid Campaign,
    string Name,
    LineTerms Terms,
    ConfiguredStatus Status,
    EffectiveStatus Effective,
    IReadOnlyList<Blocker> Blockers,
    IReadOnlyList<Guid> Creatives,
    long Billed,
    long SettledMicros,
    long DaySettledMicros,
    DateTimeOffset CreatedAt,
    DateTimeOffset ChangedAt);

public sealed record LineList(IReadOnlyList<LineView> Lines);

/// <summary>What a booking would be refused for; nothing was changed.</summary>
public sealed record LineCheck(bool IsValid, IReadOnlyList<FieldFault> Faults);

/// <param name="Record">Exactly as it was signed.</param>
public sealed record OfferView(Guid Id, OfferState State, DateTimeOffset ExpiresAt, SignedRecord Record);

public sealed record OfferList(IReadOnlyList<OfferView> Offers);
