using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Sponsored;

/// <summary>
/// What advertisers book, typed, and what operators do about them; docs/http.md explains the routes. Sums are integer micros of the
/// wallet's currency. Errors are those of <see cref="StoriesClient"/>; what a write is refused for, field by field, is in
/// <see cref="StoriesProblemException.Faults"/>. Writes take an idempotency key: one that is sent again with the same request within
/// 24 hours gets the first answer and does nothing, so that who is cut off simply repeats. Null makes a fresh one.
/// </summary>
/// <param name="client">Says whom the calls are for; it stays the caller's.</param>
public sealed class AdsClient(StoriesClient client)
{
    /// <summary>Registers the caller as an advertiser, with a wallet, or changes what is known of it. Who changes name or country has to be verified again.</summary>
    public Task<AdvertiserView> RegisterAsync(AdvertiserRequest advertiser, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<AdvertiserView>(HttpMethod.Put, "v1/ads/advertiser", advertiser, key, cancellationToken);

    /// <summary>The caller's own advertiser, with its wallet.</summary>
    public Task<AdvertiserView> ReadAdvertiserAsync(CancellationToken cancellationToken = default) => ReadAsync<AdvertiserView>("v1/ads/advertiser", cancellationToken);

    /// <summary>The caller's own ledger, newest first, 200 at a time.</summary>
    /// <param name="before">The page before's <see cref="TransferList.Before"/>; null begins.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    public Task<TransferList> ListTransfersAsync(Guid? before = null, CancellationToken cancellationToken = default) =>
        ReadAsync<TransferList>(before is null ? "v1/ads/transfers" : $"v1/ads/transfers?before={before}", cancellationToken);

    /// <summary>Founds a campaign, a draft unless the request says otherwise.</summary>
    public Task<CampaignView> FoundCampaignAsync(CampaignRequest campaign, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<CampaignView>(HttpMethod.Post, "v1/ads/campaigns", campaign, key, cancellationToken);

    /// <summary>The caller's own campaigns, oldest first.</summary>
    public Task<CampaignList> ListCampaignsAsync(CancellationToken cancellationToken = default) => ReadAsync<CampaignList>("v1/ads/campaigns", cancellationToken);

    /// <summary>One of the caller's own campaigns.</summary>
    public Task<CampaignView> ReadCampaignAsync(Guid campaign, CancellationToken cancellationToken = default) => ReadAsync<CampaignView>($"v1/ads/campaigns/{campaign}", cancellationToken);

    /// <summary>Replaces what is known of a campaign. One that is not active any more leaves the plan before the answer comes.</summary>
    public Task<CampaignView> ChangeCampaignAsync(Guid campaign, CampaignRequest request, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<CampaignView>(HttpMethod.Put, $"v1/ads/campaigns/{campaign}", request, key, cancellationToken);

    /// <summary>Books a line, as a draft.</summary>
    public Task<LineView> BookLineAsync(LineRequest line, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<LineView>(HttpMethod.Post, "v1/ads/lines", line, key, cancellationToken);

    /// <summary>What <see cref="BookLineAsync"/> would be refused for; changes nothing.</summary>
    public Task<LineCheck> CheckLineAsync(LineRequest line, CancellationToken cancellationToken = default) =>
        client.SendAsync<LineCheck>(HttpMethod.Post, "v1/ads/lines:validate", line, cancellationToken);

    /// <summary>The caller's own lines, oldest first, with what they really do.</summary>
    /// <param name="campaign">Only of this one; null: of all.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    public Task<LineList> ListLinesAsync(Guid? campaign = null, CancellationToken cancellationToken = default) =>
        ReadAsync<LineList>(campaign is null ? "v1/ads/lines" : $"v1/ads/lines?campaign={campaign}", cancellationToken);

    /// <summary>One of the caller's own lines, with what it really does.</summary>
    public Task<LineView> ReadLineAsync(Guid line, CancellationToken cancellationToken = default) => ReadAsync<LineView>($"v1/ads/lines/{line}", cancellationToken);

    /// <summary>Replaces name and terms. Once a view was billed, price, kind of budget and time zone stay.</summary>
    public Task<LineView> ChangeTermsAsync(Guid line, string name, LineTerms terms, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<LineView>(HttpMethod.Put, $"v1/ads/lines/{line}/terms", new LineTermsRequest(name, terms), key, cancellationToken);

    /// <summary>Starts, pauses or archives a line. One that is not active any more leaves the plan before the answer comes.</summary>
    public Task<LineView> ChangeStatusAsync(Guid line, ConfiguredStatus status, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<LineView>(HttpMethod.Put, $"v1/ads/lines/{line}/status", new LineStatusRequest(status), key, cancellationToken);

    /// <summary>Replaces which creatives a line shows.</summary>
    public Task<LineView> ChangeCreativesAsync(Guid line, IReadOnlyList<Guid> creatives, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<LineView>(HttpMethod.Put, $"v1/ads/lines/{line}/creatives", new LineCreativesRequest(creatives), key, cancellationToken);

    /// <summary>Keeps an offer that the advertiser's offer key signed. The same again is harmless; another under its id is refused.</summary>
    /// <param name="offer">What is offered.</param>
    /// <param name="signer">Holds the offer key that the advertiser has registered.</param>
    /// <param name="key">The idempotency key.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    public Task<OfferView> KeepOfferAsync(Offer offer, SigningKey signer, string? key = null, CancellationToken cancellationToken = default)
    {
        var bytes = StoriesJson.Write(offer);
        return WriteAsync<OfferView>(HttpMethod.Put, $"v1/ads/offers/{offer.Id}", new SignedRecord(bytes, signer.Sign(SignaturePurpose.Offer, bytes), signer.Id), key, cancellationToken);
    }

    /// <summary>One of the caller's own offers.</summary>
    public Task<OfferView> ReadOfferAsync(Guid offer, CancellationToken cancellationToken = default) => ReadAsync<OfferView>($"v1/ads/offers/{offer}", cancellationToken);

    /// <summary>The caller's own offers, those that expire last first; 200 at most.</summary>
    public Task<OfferList> ListOffersAsync(CancellationToken cancellationToken = default) => ReadAsync<OfferList>("v1/ads/offers", cancellationToken);

    /// <summary>Revokes an offer, for good: what shows it leaves the plan before the answer comes.</summary>
    public Task<OfferView> RevokeOfferAsync(Guid offer, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<OfferView>(HttpMethod.Delete, $"v1/ads/offers/{offer}", null, key, cancellationToken);

    /// <summary>For operators: advertisers, those that have waited longest first.</summary>
    /// <param name="state">Only those; null: all.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    public Task<AdvertiserList> ListAdvertisersAsync(AdvertiserState? state = null, CancellationToken cancellationToken = default) =>
        ReadAsync<AdvertiserList>(state is null ? "v1/ads/advertisers" : $"v1/ads/advertisers?state={state}", cancellationToken);

    /// <summary>For operators: verifies who an advertiser is, or suspends it.</summary>
    public Task<AdvertiserStanding> DecideAsync(Guid advertiser, AdvertiserDecision decision, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<AdvertiserStanding>(HttpMethod.Post, $"v1/ads/advertisers/{advertiser}/decision", new DecisionRequest(decision), key, cancellationToken);

    /// <summary>For operators: books a payment into a wallet, once for each reference.</summary>
    public Task<TransferView> FundAsync(Guid advertiser, long amountMicros, string reference, string? key = null, CancellationToken cancellationToken = default) =>
        WriteAsync<TransferView>(HttpMethod.Post, $"v1/ads/advertisers/{advertiser}/funds", new FundingRequest(amountMicros, reference), key, cancellationToken);

    private Task<T> ReadAsync<T>(string path, CancellationToken cancellationToken) where T : class => client.SendAsync<T>(HttpMethod.Get, path, null, cancellationToken);

    private Task<T> WriteAsync<T>(HttpMethod method, string path, object? body, string? key, CancellationToken cancellationToken) where T : class =>
        client.SendAsync<T>(method, path, body, cancellationToken, key ?? Guid.NewGuid().ToString("N"));
}
