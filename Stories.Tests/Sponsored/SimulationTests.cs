using Stories.Bench.Simulation;

namespace Stories.Tests.Sponsored;

/// <summary>The large one is <c>./stories simulate ads</c>; this has fewer devices and days, and the same rules.</summary>
public sealed class SimulationTests
{
    [Fact]
    public async Task Over_days_of_virtual_devices_no_budget_gate_or_cap_is_passed_and_plans_are_kept()
    {
        var result = await new AdSimulation(SimulationPlan.Small).RunAsync(_ => { });

        result.Print(TestContext.Current.TestOutputHelper!.WriteLine);
        Assert.Equal((0, 0, 0), (result.Overbilled, result.GateFaults, result.CapFaults));
        Assert.True(result.IdentitiesHold);
        Assert.Equal(0, result.Invalid);
        var even = result.Lines.Single(l => l.Name == "even");
        Assert.True(even.Shown > 100, $"{even.Shown} were shown");
        Assert.InRange(SimulationResult.Delivered(even), 0.9, 1);
        Assert.InRange(result.MostOff(even), 0, 0.1);
        // First showings are exact, but for what came too late.
        Assert.All(result.Lines, line => Assert.InRange(result.ReachError(line), 0, 0.05));
    }
}
