using System.Diagnostics;
using System.Security.Cryptography;
using Stories.Client.Cli;
using Stories.Client.Sessions;
using Stories.Client.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Demo;

/// <summary>
/// A sponsored status from an advertiser's clip to the bill: booked, made, reviewed, planned, placed between two people by the viewer's own device, seen, counted and paid.
/// The line is for a language that nobody speaks, so that it stands in nobody else's tray.
/// </summary>
internal sealed class SponsoredShow(Session advertiser, StoriesClient reviewer, StoriesClient ops, IReadOnlyList<Session> friends, Session viewer, string clip)
{
    private const string Audience = "demo";
    private const long Price = 5_000_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(300);

    public async Task<Act> PlayAsync(CancellationToken cancellationToken)
    {
        const string what = "a sponsored status";
        var (ads, creatives) = (new AdsClient(advertiser.Client), new AdCreatives(advertiser.Client));
        var account = await OpenAccountAsync(ads, cancellationToken);
        var (creative, made) = await MakeAsync(creatives, cancellationToken);
        if (creative.State != CreativeState.InReview) return new Act(what, $"its creative was refused: {creative.Code}", false);
        await new AdCreatives(reviewer).ReviewAsync(creative.Id, new ReviewRequest(ReviewDecision.Approve), cancellationToken: cancellationToken);

        var cell = new Cell(viewer.Self.App, Placement.Tray, "DE", NewLanguage(), AgeBand.Unknown);
        var line = await BookAsync(ads, creative, cell, cancellationToken);
        var posted = await PostAsync(cancellationToken);
        try
        {
            using var tray = new SponsoredTray(viewer, cell);
            var placed = await tray.PlaceAsync(await viewer.Client.ShowTrayAsync(cancellationToken), cancellationToken);
            if (placed.Values.FirstOrDefault(s => s.Creative.Digest == creative.Digest) is not { } status) return new Act(what, "does not stand in the tray", false);
            var told = await tray.EndAsync(status, cancellationToken);
            if (told is not { Done: 1, Waiting: 0 }) return new Act(what, "could not be told to the service", false);

            for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience; await Task.Delay(Glance, TimeProvider.System, cancellationToken))
            {
                if (await ads.ReadLineAsync(line.Id, cancellationToken) is not { Billed: 1 } billed) continue;
                var paid = account.Wallet.BalanceMicros - (await ads.ReadAdvertiserAsync(cancellationToken)).Wallet.BalanceMicros;
                return paid == billed.SettledMicros && paid == Price / 1000
                    ? new Act(what, $"made, approved, placed between two people, its digest checked; {billed.Billed} view billed, {paid} millionths of a {account.Wallet.Currency}", true, made)
                    : new Act(what, $"{billed.SettledMicros} were billed, and {paid} paid", false);
            }
            return new Act(what, "was not counted", false);
        }
        finally
        {
            foreach (var (session, story) in posted) await session.Client.WithdrawAsync(story, CancellationToken.None);
            await ads.ChangeStatusAsync(line.Id, ConfiguredStatus.Archived, cancellationToken: CancellationToken.None);
        }
    }

    private async Task<AdvertiserView> OpenAccountAsync(AdsClient ads, CancellationToken cancellationToken)
    {
        var operators = new AdsClient(ops);
        var account = await ads.RegisterAsync(new AdvertiserRequest("Lakeside Bakery Ltd", "Lakeside Bakery", "DE", "bakery@example.test", "EUR"), cancellationToken: cancellationToken);
        if (account.State == AdvertiserState.Pending) await operators.DecideAsync(account.Id, AdvertiserDecision.Verify, cancellationToken: cancellationToken);
        await operators.FundAsync(account.Id, 10_000_000, $"demo {Guid.NewGuid():N}", cancellationToken: cancellationToken);
        return await ads.ReadAdvertiserAsync(cancellationToken);
    }

    private async Task<(CreativeView Creative, ActTimes Times)> MakeAsync(AdCreatives creatives, CancellationToken cancellationToken)
    {
        var facts = new CreativeFacts("Sponsored", "Lakeside Bakery", "Warm rolls from six", "Lakeside Bakery Ltd", "Lakeside Bakery Ltd", "Ripples on a lake", "en",
            new CallToAction(CallToActionKind.OpenUrl, "https://bakery.example/rolls"), new Disclosures());
        var creative = await creatives.PrepareAsync(facts, cancellationToken: cancellationToken);
        var watch = Stopwatch.StartNew();
        var (upload, ciphertext) = await advertiser.Poster.UploadAsync(clip, Level.Clear, (_, _) => { }, cancellationToken);
        var uploaded = watch.Elapsed;
        await creatives.MakeAsync(creative.Id, upload, ciphertext, cancellationToken: cancellationToken);
        creative = await creatives.FollowAsync(creative.Id, cancellationToken);
        var times = new ActTimes(0, uploaded.TotalMilliseconds) with { Live = (watch.Elapsed - uploaded).TotalMilliseconds };
        return (creative.State == CreativeState.Ready ? await creatives.SubmitAsync(creative.Id, cancellationToken: cancellationToken) : creative, times);
    }

    private static async Task<LineView> BookAsync(AdsClient ads, CreativeView creative, Cell cell, CancellationToken cancellationToken)
    {
        var now = TimeProvider.System.GetUtcNow();
        var campaign = await ads.FoundCampaignAsync(new CampaignRequest("Demo", CampaignObjective.Reach, null, NotPolitical: true, ConfiguredStatus.Active), cancellationToken: cancellationToken);
        var terms = new LineTerms(Tier.Sponsorship, 100, Price, BudgetKind.Lifetime, 1_000_000, now.AddMinutes(-1), now.AddHours(1), "Europe/Berlin", Pacing.Asap, new Targets([], ["DE"], [cell.Language!]), [], []);
        var line = await ads.BookLineAsync(new LineRequest(campaign.Id, "Demo", terms, [creative.Id]), cancellationToken: cancellationToken);
        return await ads.ChangeStatusAsync(line.Id, ConfiguredStatus.Active, cancellationToken: cancellationToken);
    }

    /// <summary>Enough people with something new that one may stand between two of them.</summary>
    private async Task<IReadOnlyList<(Session Session, Guid Story)>> PostAsync(CancellationToken cancellationToken)
    {
        var posted = new List<(Session, Guid)>();
        foreach (var friend in friends)
        {
            await friend.Audiences.RegisterAsync(cancellationToken);
            await friend.Audiences.ChangeAsync(Audience, [viewer.Self], [], cancellationToken);
            foreach (var words in (string[])["good morning", "off to the lake"])
                posted.Add((friend, (await friend.Poster.PostAsync(new Draft([], Level.Processed, TimeSpan.FromMinutes(10), Audience, words), (_, _) => { }, cancellationToken)).Story));
        }
        return posted;
    }

    private static string NewLanguage() => new([.. RandomNumberGenerator.GetItems<char>("abcdefghijklmnopqrstuvwxyz", 2)]);
}
