using Microsoft.Extensions.Diagnostics.HealthChecks;
using Stories.Worker.Hosting;
using Stories.Worker.Sponsored;

namespace Stories.Tests.Sponsored;

public sealed class PlanStateTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_planner_that_made_nothing_for_three_epochs_is_red_and_green_once_it_does()
    {
        var time = new Counter();
        var state = new PlanState(time);
        Assert.Equal(HealthStatus.Healthy, await CheckAsync(state));

        time.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal(HealthStatus.Healthy, await CheckAsync(state));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HealthStatus.Unhealthy, await CheckAsync(state));

        state.WentWell();
        Assert.Equal(HealthStatus.Healthy, await CheckAsync(state));
    }

    private static async Task<HealthStatus> CheckAsync(PlanState state) => (await new PlanHealth(state).CheckHealthAsync(new HealthCheckContext(), Cancel)).Status;

    private sealed class Counter : TimeProvider
    {
        private long ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => ticks;

        public void Advance(TimeSpan by) => ticks += by.Ticks;
    }
}
