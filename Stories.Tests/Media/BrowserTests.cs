using Microsoft.Playwright;
using Stories.Age;
using Stories.Client;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>A real browser is the judge of whether a rendition plays.</summary>
public sealed class BrowserTests(ViewersPage page) : IClassFixture<ViewersPage>
{
    /// <summary>Seconds by which a length may be off: sound does not end with the picture.</summary>
    private const double Tolerance = 0.15;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Moving => new(Samples.All.Where(s => s is { Code: null, Seconds: not null }).Select(s => s.File));

    [Theory]
    [MemberData(nameof(Moving))]
    public Task Clear_renditions_play_by_their_signed_URL_alone(string file) => AssertPlaysAsync(file, Level.Clear);

    [Theory]
    [MemberData(nameof(Moving))]
    public Task Sealed_renditions_play_while_the_page_decrypts_them(string file) => AssertPlaysAsync(file, Level.Processed);

    [Theory]
    [InlineData(Level.Clear)]
    [InlineData(Level.Processed)]
    public async Task Each_segment_of_a_long_video_plays_from_its_own_beginning_to_its_own_end(Level level)
    {
        using var story = await page.PostAsync("video-70s.mp4", level, new RenderWishes(Split: true));
        Assert.Equal([0, 1], story.Renditions!.Renditions.Select(r => r.Segment!.Value).Distinct().Order());
        // An AAC encoder's first frame is heard by nobody and counted by Chromium: at 8 kHz that is 0.128 s.
        await AssertPlaysAsync(story, Samples.Corners, Samples.ToleranceOf(CornerColors.Exact), lengthTolerance: Tolerance + 0.128);
    }

    /// <summary>Cut between two chunks, where each one that came is whole and genuine, and within one.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    public async Task A_sealed_rendition_that_was_cut_ends_in_an_error_that_is_seen(int bytesOfNextChunk)
    {
        using var story = await page.PostAsync("video-compliant.mp4", Level.Processed);
        var video = story.Renditions!.Renditions.Single(r => r.Name == "video-source");
        var url = ViewersPage.UrlOf(story, video);
        using var http = new HttpClient();
        var bytes = await http.GetByteArrayAsync(url, Cancel);
        var content = Padding.PaddedLength(video.ContentLength);
        var chunks = (int)((content + Payload.ChunkBytes - 1) / Payload.ChunkBytes);
        var header = bytes.Length - (int)content - chunks * Payload.TagBytes;
        var cut = bytes[..(header + chunks / 2 * Payload.SealedChunkBytes + bytesOfNextChunk)];

        await page.Page.RouteAsync(url, route => route.FulfillAsync(new RouteFulfillOptions { BodyBytes = cut, Headers = [new("Access-Control-Allow-Origin", "*")] }));
        var seen = await page.LookAsync(story, video);
        await page.Page.UnrouteAsync(url);
        Assert.StartsWith("media error", seen.Error);
        Assert.EndsWith("(invalid tag)", seen.Error);
        Assert.False(seen.Ended);
    }

    private async Task AssertPlaysAsync(string file, Level level)
    {
        var sample = Samples.Of(file);
        using var story = await page.PostAsync(file, level);
        Assert.Equal(sample.Renditions!.Keys.Order(), story.Renditions!.Renditions.Select(r => r.Name).Order());
        await AssertPlaysAsync(story, sample.Corners is null ? [] : Samples.Corners, sample.Corners is { } corners ? Samples.ToleranceOf(corners) : 0);
    }

    private async Task AssertPlaysAsync(OpenedStory story, IReadOnlyList<Spot> corners, int tolerance, double lengthTolerance = Tolerance)
    {
        var renditions = story.Renditions!.Renditions;
        var all = await Task.WhenAll(renditions.Select(r => page.LookAsync(story, r)));
        foreach (var (rendition, seen) in renditions.Zip(all))
        {
            Assert.True(seen.Error == "", $"{rendition.Name}: {seen.Error}");
            Assert.Equal((rendition.Width, rendition.Height), (seen.Width, seen.Height));
            AssertShows(seen.Beginning, corners, tolerance);
            if (rendition.Duration is not { } milliseconds) continue;
            var seconds = milliseconds / 1000.0;
            Assert.True(seen.Pictures >= 3, $"{rendition.Name}: {seen.Pictures} different pictures");
            Assert.InRange(seen.Played, 0.2, seconds);
            AssertShows(seen.Middle, corners, tolerance);
            // A few frames late is common and harmless; without its first key frame it would be a second and more.
            Assert.InRange(seen.Begins, 0, 0.1);
            Assert.NotEqual(seen.Beginning, seen.Middle);
            Assert.InRange(seen.Sought, seconds / 2 - 0.05, seconds / 2 + 0.05);
            Assert.InRange(seen.Duration, seconds - lengthTolerance, seconds + lengthTolerance);
            Assert.True(seen.Ended);
        }
    }

    private static void AssertShows(string picture, IReadOnlyList<Spot> corners, int tolerance)
    {
        var pixels = Convert.FromBase64String(picture);
        Assert.True(pixels.Chunk(3).Select(pixel => (pixel[0], pixel[1], pixel[2])).Distinct().Count() > 16, "It shows nothing.");
        foreach (var corner in corners)
        {
            var found = corner.In(pixels, Seen.Side, Seen.Side);
            Assert.True(corner.DistanceTo(found) <= tolerance, $"{found} for {corner}");
        }
    }
}
