using Stories.Core.Media;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>
/// A spoiled file ends live or refused by a code, never in an error of ours, and leaves nothing. Two hundred of all samples
/// together, thousands in the long tier; the seeds are the same every time.
/// </summary>
public sealed class MutantTests(HostilePlace place) : IClassFixture<HostilePlace>
{
    private const int Usual = 200;
    private const int Long = 5000;

    /// <summary>Large ones take long to decode and have no part that smaller ones lack.</summary>
    private const int LargestBytes = 50_000;

    private static readonly List<Sample> Sources =
        [.. Samples.All.Where(s => s.Code is null && s.File != "photo-48-megapixels.jpg" && new FileInfo(Samples.PathOf(s.File)).Length <= LargestBytes).OrderBy(s => s.File, StringComparer.Ordinal)];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Files => new(Sources.Select(sample => sample.File));

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_mutated_file_is_live_or_refused_and_leaves_nothing(string file)
    {
        var rounds = (Tier.Rounds(Usual, Long) + Sources.Count - 1) / Sources.Count;
        for (var seed = 1u; seed <= rounds; seed++)
        {
            // EndOf fails with the name of what did harm; MutantOf writes it again from that name.
            await place.EndOfAsync(await MutantOfAsync(file, seed), Samples.Of(file).Lane, $"mutant {seed} of {file}", Cancel);
        }
    }

    [Fact]
    public async Task A_mutant_can_be_written_again_from_its_file_and_seed()
    {
        var seen = new HashSet<string>();
        for (var seed = 1u; seed <= 50; seed++)
        {
            var mutant = await MutantOfAsync("video-h264.3gp", seed);
            Assert.Equal(mutant, await MutantOfAsync("video-h264.3gp", seed));
            seen.Add(Convert.ToBase64String(mutant));
        }
        Assert.True(seen.Count >= 49);
    }

    /// <summary>Mutants that are all refused at the door, or all unharmed, would look for nothing.</summary>
    [Fact]
    public async Task Some_mutants_are_live_and_some_are_not()
    {
        var ends = new List<string>();
        for (var seed = 1u; seed <= 20; seed++) ends.Add(await place.EndOfAsync(await MutantOfAsync("photo-16bit.png", seed), Lane.Photo, $"mutant {seed}", Cancel));
        Assert.Contains(HostileCorpus.Live, ends);
        Assert.Contains(MediaCodes.Damaged, ends);
    }

    private static async Task<byte[]> MutantOfAsync(string file, uint seed)
    {
        var donor = Sources[(int)(seed % (uint)Sources.Count)].File;
        return new Mutator(seed).Mutate(await File.ReadAllBytesAsync(Samples.PathOf(file), Cancel), await File.ReadAllBytesAsync(Samples.PathOf(donor), Cancel));
    }
}
