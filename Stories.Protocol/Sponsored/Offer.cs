namespace Stories.Protocol.Sponsored;

/// <summary>What is offered to whoever taps <c>pay</c>. The merchant signs it; the app's own payment screen takes it from there.</summary>
/// <param name="Merchant">As the advertiser calls itself.</param>
/// <param name="PriceMicros">Micros of <paramref name="Currency"/>, all told.</param>
/// <param name="Currency">ISO 4217.</param>
/// <param name="ExpiresAt">Unix seconds: not taken from then on.</param>
public sealed record Offer(Guid Id, Guid Advertiser, string Merchant, string Product, long PriceMicros, string Currency, long ExpiresAt)
{
    /// <param name="record">As it came with a creative.</param>
    /// <param name="merchantKey">The advertiser's Ed25519 key, from the signed catalog.</param>
    /// <param name="offer">Null unless there is no fault.</param>
    public static OfferFault? FindFault(SignedRecord record, ReadOnlySpan<byte> merchantKey, Guid expected, DateTimeOffset now, out Offer? offer)
    {
        offer = null;
        if (!Signatures.Verify(merchantKey, SignaturePurpose.Offer, record.Bytes, record.Signature)) return OfferFault.NotSigned;
        if (StoriesJson.ReadCanonical<Offer>(record.Bytes) is not { Merchant: not null, Product: not null, PriceMicros: >= 0, Currency.Length: 3 } read) return OfferFault.Malformed;
        if (read.Id != expected) return OfferFault.AnotherOffer;
        if (now.ToUnixTimeSeconds() >= read.ExpiresAt) return OfferFault.Expired;
        offer = read;
        return null;
    }
}

public enum OfferFault
{
    NotSigned,
    Malformed,
    AnotherOffer,
    Expired,
}
