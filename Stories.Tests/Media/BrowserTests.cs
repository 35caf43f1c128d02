using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>A real browser is the judge of whether a rendition plays.</summary>
public sealed class BrowserTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_remuxed_source_and_a_rung_play_by_URL_and_through_MediaSource()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        var outcome = await rig.RenderAsync(Samples.CompliantVideo, Lane.Video, Cancel);
        var videos = outcome.All.Where(r => r.File.Codecs is not null).ToDictionary(r => r.File.Name);
        Assert.Equal(["video-480", "video-source"], videos.Keys.Order());

        await using var server = await ServeAsync(videos);
        var address = server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = "/usr/bin/chromium",
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
                "--autoplay-policy=no-user-gesture-required",
            ],
        });
        var page = await browser.NewPageAsync();
        await page.GotoAsync(address);
        foreach (var (name, video) in videos)
        {
            foreach (var way in (string[])["byUrl", "byMediaSource"])
            {
                // Until a second has been shown, or there is an error to tell of.
                var seen = await page.EvaluateAsync<Seen>($"play('{way}', '/{name}', 'video/mp4; codecs=\"{video.File.Codecs}\"', {video.File.Duration!.Value.TotalSeconds})");
                Assert.Equal("", seen.Error);
                Assert.Equal((video.File.Width, video.File.Height), (seen.Width, seen.Height));
                Assert.InRange(seen.Time, 1, 3);
                Assert.True(seen.Pictures >= 3, $"{name} {way}: {seen.Pictures} different pictures");
                Assert.InRange(seen.Duration, video.File.Duration.Value.TotalSeconds - 0.1, video.File.Duration.Value.TotalSeconds + 0.1);
            }
        }
    }

    private static async Task<WebApplication> ServeAsync(Dictionary<string, Rendered> videos)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapGet("/", () => Results.Content(Page, "text/html"));
        foreach (var (name, video) in videos) app.MapGet($"/{name}", () => Results.Bytes(video.Bytes, "video/mp4", enableRangeProcessing: true));
        await app.StartAsync(Cancel);
        return app;
    }

    private const string Page = """
        <!doctype html><video id="video" muted></video><canvas id="canvas" width="32" height="32"></canvas>
        <script>
        async function play(way, url, type, duration) {
          const video = document.getElementById('video'), canvas = document.getElementById('canvas').getContext('2d', { willReadFrequently: true });
          const pictures = new Set(); let error = '';
          video.onerror = () => error = video.error?.message || 'error';
          if (way === 'byUrl') video.src = url;
          else if (!MediaSource.isTypeSupported(type)) error = 'not supported: ' + type;
          else {
            const source = new MediaSource(), opened = new Promise(done => source.onsourceopen = done);
            video.src = URL.createObjectURL(source); await opened;
            const buffer = source.addSourceBuffer(type), bytes = await (await fetch(url)).arrayBuffer();
            source.duration = duration;
            for (let at = 0; at < bytes.byteLength && !error; at += 65536) {
              const added = new Promise(done => buffer.onupdateend = done);
              buffer.appendBuffer(bytes.slice(at, at + 65536)); await added;
            }
            source.endOfStream();
          }
          if (!error) await video.play().catch(e => error = String(e));
          while (!error && video.currentTime < 1) {
            await new Promise(done => requestAnimationFrame(done));
            canvas.drawImage(video, 0, 0, 32, 32);
            pictures.add(canvas.getImageData(0, 0, 32, 32).data.join());
          }
          return { error, time: video.currentTime, pictures: pictures.size, width: video.videoWidth, height: video.videoHeight, duration: isFinite(video.duration) ? video.duration : -1 };
        }
        </script>
        """;

    private sealed class Seen
    {
        public string Error { get; set; } = "";
        public double Time { get; set; }
        public int Pictures { get; set; }
        public int Width { get; set; }
        public int Height { get; set; }
        public double Duration { get; set; }
    }
}
