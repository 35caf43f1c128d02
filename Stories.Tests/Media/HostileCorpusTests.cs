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
}
