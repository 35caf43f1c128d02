using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using Stories.Api.Operating;
using Stories.Client;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>A service with one user, and the page of an app in a real browser, on an origin of its own.</summary>
public sealed class ViewersPage(LocalServers servers) : IAsyncLifetime
{
    private WebApplication site = null!;
    private Service service = null!;
    private UserSession alice = null!;
    private IPlaywright playwright = null!;
    private IBrowser browser = null!;

    public IPage Page { get; private set; } = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        site = await ServeAsync(await Tools.RunAsync(
            Repository.Path("node_modules", ".bin", "esbuild"), Repository.Path("Stories.Tests", "Media", "player.mjs"), "--bundle", "--log-level=error"));
        var origin = site.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        service = await Service.StartAsync(servers);
        alice = service.User("alice");
        await AllowAsync(origin);

        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = "/usr/bin/chromium",
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
                "--autoplay-policy=no-user-gesture-required",
            ],
        });
        Page = await browser.NewPageAsync();
        await Page.GotoAsync(origin);
    }

    public async ValueTask DisposeAsync()
    {
        await browser.DisposeAsync();
        playwright.Dispose();
        await service.DisposeAsync();
        await site.DisposeAsync();
    }

    /// <summary>A live story of one file, as its viewer's device opens it.</summary>
    public async Task<OpenedStory> PostAsync(string file, Level level, RenderWishes? wishes = null)
    {
        var posted = await alice.Poster.PostAsync(new Draft([Samples.PathOf(file)], level, TimeSpan.FromDays(1), "friends", null, wishes), (_, _) => { }, Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        return await alice.Viewer.OpenAsync(posted.Story, Cancel);
    }

    public static string UrlOf(OpenedStory story, RenditionEntry rendition) => story.View.Renditions.Single(r => r.Part == rendition.Part).Url;

    /// <summary>Gives the page what a viewer's device has of a rendition, and looks.</summary>
    public Task<Seen> LookAsync(OpenedStory story, RenditionEntry rendition) =>
        Page.EvaluateAsync<Seen>(rendition.Codecs is null ? "picture => show(picture)" : "video => play(video)", new
        {
            url = UrlOf(story, rendition),
            identity = story.View.Level == Level.Clear ? null : story.Identity.ExportSecret(),
            type = rendition.Codecs is null ? rendition.MediaType : $"{rendition.MediaType}; codecs=\"{rendition.Codecs}\"",
            duration = rendition.Duration / 1000.0,
            contentLength = rendition.ContentLength,
        });

    private static async Task<WebApplication> ServeAsync(string script)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapGet("/", () => Results.Content("<!doctype html><body><script src=\"player.js\"></script>", "text/html"));
        app.MapGet("/player.js", () => Results.Content(script, "text/javascript"));
        await app.StartAsync(Cancel);
        return app;
    }

    /// <summary>The page's origin becomes the app's, and storage learns it as it does from an operator's command.</summary>
    private async Task AllowAsync(string origin)
    {
        await using var db = OperatorCommand.OpenDatabase(service.Database);
        await db.Apps.Where(a => a.Id == Service.ChatApp).ExecuteUpdateAsync(set => set.SetProperty(a => a.AllowedOrigins, new[] { origin }), Cancel);
        await Migrate.ApplyOriginsAsync(new ConfigurationBuilder().AddInMemoryCollection(service.Settings).Build(), db);
    }
}

/// <summary>What player.mjs saw of a rendition.</summary>
/// <remarks>A class with setters: that is what Playwright can fill.</remarks>
public sealed class Seen
{
    public const int Side = 64;

    /// <summary>Empty when there was none.</summary>
    public string Error { get; set; } = "";
    public int Width { get; set; }
    public int Height { get; set; }

    /// <summary>When the first picture that can be shown is to be shown, in seconds.</summary>
    public double Begins { get; set; }

    /// <summary>Seconds, once the end has been reached; -1 for one without end.</summary>
    public double Duration { get; set; }

    /// <summary>Up to which second time moved by playing from the beginning.</summary>
    public double Played { get; set; }

    /// <summary>How many different ones were drawn meanwhile.</summary>
    public int Pictures { get; set; }

    /// <summary>Where the seek to the middle landed.</summary>
    public double Sought { get; set; }

    public bool Ended { get; set; }

    /// <summary>The first picture, or the only one: <see cref="Side"/> squared, three bytes each, in Base64.</summary>
    public string Beginning { get; set; } = "";

    /// <summary>The one where the seek landed.</summary>
    public string Middle { get; set; } = "";
}
