using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Core.Blobs;
using Stories.Core.Posting;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Worker.Media;

namespace Stories.Tests.Media;

/// <summary>Every sample through the whole service: what expected.json says must come of it.</summary>
public sealed class SampleTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private UserSession alice = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Good => Samples.Good;

    public static TheoryData<string> Hostile => Samples.Hostile;

    public static TheoryData<string> SharedMedia => new(
        Directory.Exists(SharedFolder) ? Directory.GetFiles(SharedFolder).Where(f => Path.GetExtension(f) is ".jpg" or ".mp4").Select(Path.GetFileName).Order()! : []);

    private static string SharedFolder => Repository.Path("..", "shared", "media");

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers);
        alice = service.User("alice");
    }

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Theory]
    [MemberData(nameof(Good))]
    public async Task A_good_sample_becomes_the_renditions_that_are_expected_and_carries_nothing_else(string file)
    {
        var sample = Samples.Of(file);
        var posted = await alice.PostAsync([Samples.PathOf(file)], cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        Assert.Equal(StoryState.Live, (await alice.Client.WatchProgressAsync(posted.Story, Cancel)).State);

        var opened = await alice.Viewer.OpenAsync(posted.Story, Cancel);
        Assert.Equal(sample.Renditions!.Keys.Order(), opened.Renditions!.Renditions.Select(r => r.Name).Order());
        foreach (var entry in opened.Renditions.Renditions)
        {
            using var content = new MemoryStream();
            await alice.Viewer.DownloadAsync(opened, entry, content, Cancel);
            Assert.Equal((sample.Renditions[entry.Name][0], sample.Renditions[entry.Name][1]), (entry.Width, entry.Height));
            await AssertPlaysAsync(content.ToArray(), entry, sample);
            Assert.Equal(-1, content.ToArray().AsSpan().IndexOf("CANARY"u8));
            Assert.Equal(-1, content.ToArray().AsSpan().IndexOf("Exif"u8));
        }
        if (sample.Lane == Lane.Photo) Assert.InRange(opened.Renditions.Preview!.Length, 20, 1024);
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public async Task A_hostile_sample_is_refused_by_its_code_and_leaves_nothing(string file)
    {
        var sample = Samples.Of(file);
        var posted = await alice.PostAsync([Samples.PathOf(file)], cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);

        var end = await alice.Client.WatchProgressAsync(posted.Story, Cancel);
        Assert.Equal((StoryState.Rejected, sample.Code), (end.State, end.Code));
        Assert.True(service.Worker.GetRequiredService<ScratchRoom>().IsEmpty);
        var upload = await service.ReadAsync(db => db.Uploads.SingleAsync(Cancel));
        Assert.NotNull(upload.BytesGoneAt);
        Assert.False(await service.Api.GetRequiredService<IngestBlobs>().ExistsAsync(upload.BlobName, Cancel));
        var row = await service.ReadAsync(db => db.Stories.SingleAsync(Cancel));
        Assert.Equal((null, null, null, null, WorkState.Done), (row.Manifest, row.Signature, row.KeyEnvelope, row.Payload, row.Work));
        Assert.Equal(0, await service.ReadAsync(db => db.Renditions.CountAsync(Cancel)));
        // Nothing counts against the open-upload or live-story quota any more.
        Assert.Equal(0, await service.ReadAsync(db => db.Uploads.CountAsync(u => u.State != Core.Uploads.UploadState.Consumed, Cancel)));
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(SharedMedia))]
    public async Task Real_photos_and_clips_become_live(string file)
    {
        var posted = await alice.PostAsync([Path.Combine(SharedFolder, file)], cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        var end = await alice.Client.WatchProgressAsync(posted.Story, Cancel);
        Assert.Equal((StoryState.Live, null), (end.State, end.Code));
    }

    [Fact]
    public async Task A_clear_story_is_served_as_what_it_is_by_its_signed_URL_alone()
    {
        var posted = await alice.PostAsync([Samples.CompliantVideo], Level.Clear, cancellationToken: Cancel);
        await service.ProcessAsync(posted.Story, Cancel);
        var view = await alice.Client.OpenAsync(posted.Story, Cancel);
        using var http = new HttpClient();
        using var answer = await http.GetAsync(view.Renditions[0].Url, Cancel);
        Assert.Equal("video/mp4", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal("inline", answer.Content.Headers.ContentDisposition!.DispositionType);
        var bytes = await answer.Content.ReadAsByteArrayAsync(Cancel);
        Assert.Equal("ftyp"u8, bytes.AsSpan(4, 4));
        Assert.InRange(view.Renditions[0].ExpiresAt - service.Clock.GetUtcNow(), TimeSpan.FromSeconds(100), TimeSpan.FromSeconds(130));
    }

    private static async Task AssertPlaysAsync(byte[] content, RenditionEntry entry, Sample sample)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(file, content, Cancel);
            var facts = (await RunAsync("ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height:format=duration", "-of", "csv=p=0", file)).Split('\n');
            Assert.Contains(facts, line => line.EndsWith($",{entry.Width},{entry.Height}", StringComparison.Ordinal));
            if (entry.MediaType != "video/mp4") return;
            Assert.StartsWith("avc1.", entry.Codecs);
            Assert.Equal(sample.Audio, entry.Codecs!.EndsWith(", mp4a.40.2", StringComparison.Ordinal));
            Assert.InRange(double.Parse(facts[^1], System.Globalization.CultureInfo.InvariantCulture), sample.Seconds!.Value - 0.15, sample.Seconds.Value + 0.15);
            Assert.Equal("", await RunAsync("ffmpeg", "-v", "error", "-i", file, "-f", "null", "-"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>What the program says, on either channel; it must succeed.</summary>
    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(Cancel);
        var output = await process.StandardOutput.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        Assert.True(process.ExitCode == 0, await errors);
        return (output + await errors).Trim();
    }
}
