using System.Diagnostics;
using Stories.Core.Media;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>Files that were made to hurt end live or refused by a code, within their time, and reach nothing.</summary>
public sealed class HostileCorpusTests(HostilePlace place) : IClassFixture<HostilePlace>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Files => new(HostileCorpus.All.Select(file => file.Name));

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_hostile_file_ends_as_it_must_and_reaches_nothing(string name)
    {
        var file = HostileCorpus.All.Single(f => f.Name == name);
        var content = await file.MakeAsync(place.Bait);
        string[] right = MediaKinds.LaneOf(MediaKinds.Sniff(content.AsSpan(0, Math.Min(content.Length, MediaKinds.SniffBytes)))) is null ? [MediaCodes.UnknownType] : file.Outcomes;

        var end = await place.EndOfAsync(content, file.Lane, name, Cancel);

        Assert.Contains(end, right);
    }

    /// <summary>A place that cannot tell would let everything pass.</summary>
    [Fact]
    public async Task A_file_that_is_not_hostile_is_live_and_one_of_no_kind_is_not()
    {
        Assert.Equal(HostileCorpus.Live, await place.EndOfAsync(await File.ReadAllBytesAsync(Samples.PathOf("video-h264.3gp"), Cancel), Lane.Video, "good", Cancel));
        Assert.Equal(MediaCodes.UnknownType, await place.EndOfAsync([1, 2, 3], Lane.Photo, "nothing", Cancel));
    }

    /// <summary>What our walls and allow-lists keep from happening does happen without them.</summary>
    [Fact]
    public async Task A_player_without_walls_takes_the_bait()
    {
        Assert.False(place.WasReached());
        var playlist = await Tools.WriteAsync(await HostileCorpus.All.Single(f => f.Name == "hls-network.mp4").MakeAsync(place.Bait));
        using var player = Process.Start("ffprobe", ["-v", "quiet", "-protocol_whitelist", "file,http,tcp", "-rw_timeout", "1000000", "-f", "hls", "-i", playlist]);
        var reached = false;
        while (!(reached = place.WasReached()) && !player.HasExited) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancel);
        player.Kill();
        await player.WaitForExitAsync(Cancel);
        Assert.True(reached || place.WasReached());
        // For the next file to start from none.
        while (place.WasReached()) { }
    }

    /// <summary>It says so when it does not follow a reference, which is how we know that it read ours as one.</summary>
    [Theory]
    [InlineData("alias-to-a-file.mov")]
    [InlineData("alias-to-a-neighbour.mov")]
    public async Task A_reference_is_one_to_a_player(string name)
    {
        var file = await Tools.WriteAsync(await HostileCorpus.All.Single(f => f.Name == name).MakeAsync(place.Bait));
        using var player = Process.Start(new ProcessStartInfo("ffprobe", ["-v", "warning", "-f", "mov", "-i", file]) { RedirectStandardError = true })!;
        var said = await player.StandardError.ReadToEndAsync(Cancel);
        await player.WaitForExitAsync(Cancel);
        Assert.Contains("Skipped opening external track", said, StringComparison.Ordinal);
        Assert.Contains(name.Contains("neighbour", StringComparison.Ordinal) ? place.Bait.Neighbour : place.Bait.File, said, StringComparison.Ordinal);
    }
}
