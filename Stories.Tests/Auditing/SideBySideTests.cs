using CsCheck;
using Stories.Worker.Auditing;

namespace Stories.Tests.Auditing;

public sealed class SideBySideTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public Task Every_name_of_either_side_comes_once_beside_its_like() =>
        Gen.Select(Names, Names).SampleAsync(async sides =>
        {
            var pairs = await PairAsync(sides.Item1, sides.Item2);
            Assert.All(pairs, pair => Assert.True(pair.Left is null || pair.Right is null || pair.Left == pair.Right));
            Assert.Equal(sides.Item1, pairs.Where(p => p.Left is not null).Select(p => p.Left!));
            Assert.Equal(sides.Item2, pairs.Where(p => p.Right is not null).Select(p => p.Right!));
            Assert.Equal(sides.Item1.Union(sides.Item2).Count(), pairs.Count);
        }, seed: "0000KOIPe036", iter: 200, threads: 1);

    [Fact]
    public Task A_list_that_is_out_of_order_is_refused() =>
        Assert.ThrowsAsync<InvalidOperationException>(() => PairAsync(["a", "c", "b"], ["a", "b", "c"]));

    private static Gen<List<string>> Names => Gen.Char['a', 'k'].HashSet[0, 8].Select(names => names.Select(n => $"{n}").Order(StringComparer.Ordinal).ToList());

    private static async Task<List<(string? Left, string? Right)>> PairAsync(IEnumerable<string> left, IEnumerable<string> right)
    {
        var pairs = new List<(string?, string?)>();
        await foreach (var pair in SideBySide.ByName(left.ToAsyncEnumerable(), n => n, right.ToAsyncEnumerable(), n => n, Cancel)) pairs.Add(pair);
        return pairs;
    }
}
