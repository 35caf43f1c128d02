using System.Text.Json;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;
using Stories.Tests.Fixtures;
using Tier = Stories.Protocol.Sponsored.Tier;

namespace Stories.Tests.Sponsored;

/// <summary>What an advertiser and an operator type.</summary>
public sealed class AdsCommandTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => service = await Service.StartAsync(servers, withWorker: false);

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task From_registration_to_an_active_line()
    {
        var advertiser = await ReadAsync<AdvertiserView>("register", "Good Bread Ltd", "--display", "Good Bread", "--country", "DE", "--contact", "bread@example.test");
        Assert.Contains(advertiser.Id.ToString(), await SayAsync(asOperator: true, "advertisers"));
        Assert.Contains("verified", await SayAsync(asOperator: true, "verify", $"{advertiser.Id}"));
        Assert.Contains("12.50 EUR", await SayAsync(asOperator: true, "fund", $"{advertiser.Id}", "12.5", "--reference", "bank 1"));
        Assert.Contains("verified  Good Bread (Good Bread Ltd, DE)  12.50 EUR", await SayAsync("account"));
        Assert.Contains("outside → wallet:", await SayAsync("transfers"));

        var campaign = await ReadAsync<CampaignView>("campaign", "Spring", "--not-political", "--budget", "100");
        Assert.Contains("active    Spring  0.00 of 100.00", await SayAsync("campaigns"));
        var line = await ReadAsync<LineView>("line", $"{campaign.Id}", "--name", "Rolls", "--price", "5", "--budget", "20", "--daily", "--zone", "Europe/Berlin", "--hours", "mon,tue:7-10",
            "--hours", "18-20", "--cap", "2/24h", "--cap", "campaign:5/7d", "--country", "DE", "--adults-only", "--tier", "guaranteed", "--weight", "7", "--category", "bread", "--days", "3");
        Assert.Equal(ConfiguredStatus.Active, line.Status);
        Assert.Equal(TimeSpan.FromDays(3), line.Terms.EndsAt - line.Terms.StartsAt);
        Assert.Equivalent(
            new LineTerms(Tier.Guaranteed, 7, 5_000_000, BudgetKind.Daily, 20_000_000, line.Terms.StartsAt, line.Terms.EndsAt, "Europe/Berlin", Pacing.Even,
                new Targets([], ["DE"], [], AdultsOnly: true), [new Daypart([DayOfWeek.Monday, DayOfWeek.Tuesday], 7, 10), new Daypart(Enum.GetValues<DayOfWeek>(), 18, 20)],
                [new Cap(CapLevel.Line, 2, 86_400), new Cap(CapLevel.Campaign, 5, 604_800)], "bread"),
            line.Terms, strict: true);

        var said = await SayAsync("lines", $"{line.Id}");
        Assert.Contains("noCreative: Give the line a creative.", said);
        Assert.Contains("mon, tue: 7 to 10", said);
        Assert.Contains("at most 5 in 168 h of a campaign", said);
        var changed = await ReadAsync<LineView>("change-line", $"{line.Id}", "--budget", "30", "--name", "More rolls");
        Assert.Equal(("More rolls", 30_000_000), (changed.Name, changed.Terms.BudgetMicros));
        Assert.Equivalent(line.Terms with { BudgetMicros = 30_000_000 }, changed.Terms, strict: true);
        Assert.Contains("paused  More rolls", await SayAsync("status", $"{line.Id}", "paused"));
        Assert.Equal(ConfiguredStatus.Paused, (await ReadAsync<CampaignView>("change-campaign", $"{campaign.Id}", "--status", "paused", "--no-budget")).Status);
        Assert.Contains("paused    Spring  0.00", await SayAsync("campaigns"));
    }

    [Fact]
    public async Task All_that_is_wrong_is_said_at_once_and_nothing_is_booked()
    {
        var (code, said) = await RunAsync(asOperator: false, "line", $"{Guid.NewGuid()}", "--name", "Rolls", "--price", "5", "--budget", "20");
        Assert.Equal(1, code);
        Assert.Contains("[ads.advertiserMissing]", said);
        await ReadAsync<AdvertiserView>("register", "Good Bread Ltd", "--country", "DE", "--contact", "bread@example.test");
        string[] wrong = ["line", $"{Guid.NewGuid()}", "--name", "Rolls", "--zone", "Europe/Atlantis", "--weight", "0"];
        foreach (var arguments in (string[][])[wrong, [.. wrong, "--check"]])
        {
            (code, said) = await RunAsync(asOperator: false, arguments);
            Assert.Equal(1, code);
            foreach (var field in (string[])["campaign", "terms.timeZone", "terms.weight", "terms.budgetMicros"]) Assert.Contains($"  {field}: ", said);
        }
        Assert.Contains("You have none.", await SayAsync("lines"));
        (code, said) = await RunAsync(asOperator: false, "line", $"{Guid.NewGuid()}", "--name", "Rolls", "--hours", "late");
        Assert.Equal(2, code);
        Assert.Contains("7-10", said);
        Assert.Equal("auth.forbidden", JsonDocument.Parse((await RunAsync(asOperator: false, "advertisers", "--json")).Output).RootElement.GetProperty("code").GetString());
    }

    [Fact]
    public async Task An_offer_is_signed_on_the_device_that_was_registered_for_it()
    {
        string[] register = ["register", "Good Bread Ltd", "--country", "DE", "--contact", "bread@example.test"];
        await ReadAsync<AdvertiserView>(register);
        var (code, said) = await RunAsync(asOperator: false, "offer", "Twelve rolls", "--price", "4.80");
        Assert.Equal(2, code);
        Assert.Contains("--offers", said);

        var advertiser = await ReadAsync<AdvertiserView>([.. register, "--offers"]);
        var offer = await ReadAsync<OfferView>("offer", "Twelve rolls", "--price", "4.80");
        Assert.Null(Offer.FindFault(offer.Record, advertiser.OfferKey, offer.Id, service.Clock.GetUtcNow(), out var signed));
        Assert.Equal(("Twelve rolls", 4_800_000, "EUR", "Good Bread Ltd"), (signed!.Product, signed.PriceMicros, signed.Currency, signed.Merchant));
        // What is known otherwise changes, and the key stays.
        Assert.Equal(advertiser.OfferKey, (await ReadAsync<AdvertiserView>("register", "Good Bread Ltd", "--country", "DE", "--contact", "other@example.test")).OfferKey);
        Assert.Contains("live until", await SayAsync("offers"));
        Assert.Contains("revoked until", await SayAsync("revoke", $"{offer.Id}"));
    }

    private Task<string> SayAsync(params string[] arguments) => SayAsync(asOperator: false, arguments);

    private async Task<string> SayAsync(bool asOperator, params string[] arguments)
    {
        var (code, output) = await RunAsync(asOperator, arguments);
        Assert.True(code == 0, output);
        return output;
    }

    private async Task<T> ReadAsync<T>(params string[] arguments) => JsonSerializer.Deserialize<T>(await SayAsync([.. arguments, "--json"]), StoriesJson.Options)!;

    private Task<(int ExitCode, string Output)> RunAsync(bool asOperator, params string[] arguments) =>
        service.RunClientAsync(asOperator ? "operator" : "shop", ["ads", .. arguments], Cancel, asOperator ? "ops" : "ads.manage");
}
