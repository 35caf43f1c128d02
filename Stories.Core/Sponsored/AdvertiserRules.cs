using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>What must hold of an advertiser and of its campaigns before they are written.</summary>
public static class AdvertiserRules
{
    public const int MaxCampaigns = 1_000;

    /// <summary>A thousand million of a currency: no sum of sums leaves 64 bits.</summary>
    public const long MaxMicros = 1_000_000_000_000_000;

    public static IReadOnlyList<FieldFault> Find(string? legalName, string? displayName, string? country, string? contact, string? currency, byte[]? offerKey)
    {
        var faults = new FieldFaults();
        faults.RequireText(legalName, "legalName", 200);
        faults.RequireText(displayName, "displayName", 40);
        faults.Require(Codes.IsCountry(country), "country", FieldFaultCode.Malformed, "Two capital letters of ISO 3166-1.");
        faults.RequireText(contact, "contact", 200);
        faults.Require(Codes.IsCurrency(currency), "currency", FieldFaultCode.Malformed, "Three capital letters of ISO 4217.");
        faults.Require(offerKey is null or { Length: Signatures.PublicKeyBytes }, "offerKey", FieldFaultCode.Malformed, "An Ed25519 public key of 32 bytes, or none.");
        return faults.Found;
    }

    public static IReadOnlyList<FieldFault> FindInCampaign(string? name, CampaignObjective objective, long? budgetMicros)
    {
        var faults = new FieldFaults();
        faults.RequireText(name, "name", 100);
        faults.Require(Enum.IsDefined(objective), "objective", FieldFaultCode.Unknown, "One of reach, conversations, product, payments.");
        faults.Require(budgetMicros is null or (> 0 and <= MaxMicros), "budgetMicros", FieldFaultCode.OutOfRange, $"1 to {MaxMicros}, or none.");
        return faults.Found;
    }

    /// <summary>Beside its signature and its id.</summary>
    public static IReadOnlyList<FieldFault> FindInOffer(Offer offer, Advertiser advertiser, DateTimeOffset now)
    {
        var faults = new FieldFaults();
        faults.Require(offer.Advertiser == advertiser.Id, "advertiser", FieldFaultCode.Unknown, "The advertiser's own id.");
        faults.Require(offer.Merchant == advertiser.DisplayName, "merchant", FieldFaultCode.Unknown, "The advertiser's display name.");
        faults.RequireText(offer.Product, "product", 100);
        faults.Require(offer.PriceMicros is >= 0 and <= MaxMicros, "priceMicros", FieldFaultCode.OutOfRange, $"0 to {MaxMicros}.");
        faults.Require(Codes.IsCurrency(offer.Currency), "currency", FieldFaultCode.Malformed, "Three capital letters of ISO 4217.");
        faults.Require(offer.ExpiresAt > now.ToUnixTimeSeconds() && offer.ExpiresAt <= now.AddYears(2).ToUnixTimeSeconds(), "expiresAt", FieldFaultCode.OutOfRange, "Unix seconds within the next two years.");
        return faults.Found;
    }
}
