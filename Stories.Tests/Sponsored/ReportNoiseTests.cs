using Stories.Core.Sponsored;

namespace Stories.Tests.Sponsored;

public sealed class ReportNoiseTests
{
    private static readonly DateOnly Day = new(2026, 11, 28);

    [Theory]
    [InlineData(1.0, 1)]
    [InlineData(0.5, 1)]
    [InlineData(0.5, 20)]
    public void Noise_is_two_sided_geometric(double epsilon, int most)
    {
        var noise = new ReportNoise([1, 2, 3]);
        const int draws = 20_000;
        var drawn = Enumerable.Range(0, draws).Select(i => noise.Draw(Guid.Empty, "Cell", $"{i}", Day, "shown", epsilon, most)).ToList();
        var alpha = Math.Exp(-epsilon / most);
        var deviation = Math.Sqrt(2 * alpha) / (1 - alpha);
        Assert.InRange(drawn.Average(), -5 * deviation / Math.Sqrt(draws), 5 * deviation / Math.Sqrt(draws));
        Assert.InRange(Math.Sqrt(drawn.Average(d => (double)d * d)), deviation * 0.93, deviation * 1.07);
        Assert.InRange(drawn.Count(d => d == 0) / (double)draws, (1 - alpha) / (1 + alpha) * 0.85, (1 - alpha) / (1 + alpha) * 1.15);
    }

    [Fact]
    public void What_is_asked_for_decides_it_alone()
    {
        var (noise, line) = (new ReportNoise([1]), Guid.NewGuid());
        long[] Draws(ReportNoise n, Guid of, string dimension, string counter) => [.. Enumerable.Range(0, 50).Select(i => n.Draw(of, dimension, $"{i}", Day, counter, 0.1, 1))];
        var once = Draws(noise, line, "Cell", "shown");
        Assert.Equal(once, Draws(new ReportNoise([1]), line, "Cell", "shown"));
        Assert.NotEqual(once, Draws(new ReportNoise([2]), line, "Cell", "shown"));
        Assert.NotEqual(once, Draws(noise, Guid.NewGuid(), "Cell", "shown"));
        Assert.NotEqual(once, Draws(noise, line, "Hour", "shown"));
        Assert.NotEqual(once, Draws(noise, line, "Cell", "devices"));
    }

    [Fact]
    public void A_breakdown_is_never_negative_never_more_than_the_total_and_shows_nothing_small()
    {
        var random = new Random(5);
        for (var round = 0; round < 500; round++)
        {
            var exact = Enumerable.Range(0, random.Next(1, 12)).ToDictionary(i => $"part-{i}", _ =>
            {
                long devices = random.Next(0, 200);
                return new BrokenDown(devices * random.Next(1, 4), devices, random.Next(0, 60));
            });
            var (parts, other) = new Breakdown(new ReportNoise(BitConverter.GetBytes(round))).Release(Guid.NewGuid(), Day, "Cell", exact, 3);
            var all = parts.Values.Append(other).ToList();
            Assert.All(all, part => Assert.True(part is { Shown: >= 0, Devices: >= 0, Actions: >= 0 }));
            Assert.Equal(exact.Values.Aggregate(BrokenDown.Nothing, (sum, part) => sum + part), all.Aggregate(BrokenDown.Nothing, (sum, part) => sum + part));
            // Fourteen deviations above what is shown at least.
            Assert.All(parts.Keys, key => Assert.True(exact[key].Devices >= Breakdown.LeastDevices - 10));
        }
    }
}
