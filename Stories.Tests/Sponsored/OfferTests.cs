using Microsoft.EntityFrameworkCore;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Sponsored;

public sealed class OfferTests(LocalServers servers) : IAsyncLifetime
{
    private readonly SigningKey key = SigningKey.Generate();
    private BookingRig rig = null!;
    private AdvertiserView advertiser = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        rig = await BookingRig.StartAsync(servers);
        advertiser = await rig.OpenAsync(offerKey: key.PublicKey);
    }

    public async ValueTask DisposeAsync()
    {
        key.Dispose();
        await rig.DisposeAsync();
    }

    [Fact]
    public async Task An_offer_is_kept_exactly_as_it_was_signed()
    {
        var offer = Offer();
        var kept = await rig.Own.KeepOfferAsync(offer, key, cancellationToken: Cancel);
        Assert.Equal(OfferState.Live, kept.State);
        var read = await rig.Own.ReadOfferAsync(offer.Id, Cancel);
        Assert.Equal(StoriesJson.Write(offer), read.Record.Bytes);
        Assert.Null(Stories.Protocol.Sponsored.Offer.FindFault(read.Record, key.PublicKey, offer.Id, rig.Now, out var found));
        Assert.Equal(offer, found);
        Assert.Equal("notFound", (await Refused(() => rig.Ads("rival").ReadOfferAsync(offer.Id, Cancel))).Code);
        // The same again is harmless; another under its id is another offer.
        await rig.Own.KeepOfferAsync(offer, key, cancellationToken: Cancel);
        Assert.Equal("ads.offerIdTaken", (await Refused(() => rig.Own.KeepOfferAsync(offer with { PriceMicros = 1 }, key, cancellationToken: Cancel))).Code);
    }

    [Fact]
    public async Task What_the_advertiser_did_not_sign_is_refused()
    {
        using var another = SigningKey.Generate();
        Assert.Equal("ads.offerNotSigned", (await Refused(() => rig.Own.KeepOfferAsync(Offer(), another, cancellationToken: Cancel))).Code);
        Assert.Equal("ads.offerExpired", (await Refused(() => rig.Own.KeepOfferAsync(Offer() with { ExpiresAt = rig.Now.ToUnixTimeSeconds() }, key, cancellationToken: Cancel))).Code);
        var wrong = Offer() with { Advertiser = Guid.NewGuid(), Merchant = "Somebody else", Product = "", Currency = "eur", ExpiresAt = rig.Now.AddYears(3).ToUnixTimeSeconds() };
        Assert.Equal(["advertiser", "merchant", "product", "currency", "expiresAt"], (await Refused(() => rig.Own.KeepOfferAsync(wrong, key, cancellationToken: Cancel))).Faults.Select(f => f.Field));
        Assert.Equal(0, await rig.Service.ReadAsync(db => db.Offers.CountAsync(Cancel)));
    }

    [Fact]
    public async Task A_signature_for_something_else_is_none_for_an_offer()
    {
        var (offer, http) = (Offer(), rig.Http());
        var bytes = StoriesJson.Write(offer);
        Assert.Contains("ads.offerNotSigned", await PutAsync(http, offer.Id, new SignedRecord(bytes, key.Sign(SignaturePurpose.Catalog, bytes), key.Id)));
        // Rightly signed, and sent under another id, with another key's name, or not as we write it.
        var signature = key.Sign(SignaturePurpose.Offer, bytes);
        Assert.Contains("ads.offerMalformed", await PutAsync(http, Guid.NewGuid(), new SignedRecord(bytes, signature, key.Id)));
        Assert.Contains("ads.offerMalformed", await PutAsync(http, offer.Id, new SignedRecord(bytes, signature, "another")));
        byte[] spaced = [.. bytes, (byte)' '];
        Assert.Contains("ads.offerMalformed", await PutAsync(http, offer.Id, new SignedRecord(spaced, key.Sign(SignaturePurpose.Offer, spaced), key.Id)));
        Assert.Contains("request.invalid", await PutAsync(http, offer.Id, new SignedRecord(null!, signature, key.Id)));
    }

    [Fact]
    public async Task Without_an_offer_key_there_are_no_offers()
    {
        await rig.Own.RegisterAsync(BookingRig.Request(), cancellationToken: Cancel);
        Assert.Equal("ads.offerKeyMissing", (await Refused(() => rig.Own.KeepOfferAsync(Offer(), key, cancellationToken: Cancel))).Code);
    }

    [Theory]
    [InlineData("revoked")]
    [InlineData("another key")]
    [InlineData("another name")]
    public async Task What_is_revoked_leaves_the_plan_at_once_and_stays_revoked(string why)
    {
        var offer = Offer();
        await rig.Own.KeepOfferAsync(offer, key, cancellationToken: Cancel);
        var creative = await rig.CreativeAsync(advertiser.Id, facts: BookingRig.Facts(action: new CallToAction(CallToActionKind.Pay, Offer: offer.Id)));
        var line = await rig.LineAsync(await rig.CampaignAsync(), creatives: creative);
        await rig.IssueAsync(line.Id);
        using var fresh = SigningKey.Generate();
        await (why switch
        {
            "revoked" => (Task)rig.Own.RevokeOfferAsync(offer.Id, cancellationToken: Cancel),
            "another key" => rig.Own.RegisterAsync(BookingRig.Request(offerKey: fresh.PublicKey), cancellationToken: Cancel),
            _ => rig.Own.RegisterAsync(BookingRig.Request("Better Bread", key.PublicKey), cancellationToken: Cancel),
        });
        Assert.Equal(OfferState.Revoked, (await rig.Own.ReadOfferAsync(offer.Id, Cancel)).State);
        Assert.Equal(0, await rig.HandedOutAsync(line.Id));
        if (why == "revoked") Assert.Equal(OfferState.Revoked, (await rig.Own.KeepOfferAsync(offer, key, cancellationToken: Cancel)).State);
    }

    private static async Task<string> PutAsync(HttpClient http, Guid id, SignedRecord record)
    {
        using var content = new ByteArrayContent(StoriesJson.Write(record)) { Headers = { ContentType = new("application/json") } };
        using var answer = await http.PutAsync($"v1/ads/offers/{id}", content, Cancel);
        return await answer.Content.ReadAsStringAsync(Cancel);
    }

    private Offer Offer() => new(Guid.NewGuid(), advertiser.Id, advertiser.DisplayName, "Twelve rolls", 4_800_000, "EUR", rig.Now.AddDays(7).ToUnixTimeSeconds());
}
