using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Stories.Core.Erasure;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Erasure;

/// <summary>A database that goes away in the middle of erasing.</summary>
public sealed class DatabaseFaultTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("DELETE /stories/{0}/key ")]
    [InlineData("DELETE /stories/{0}?")]
    [InlineData("HEAD /stories/{0}?")]
    public async Task PostgreSQL_restarted_in_the_middle_of_erasing_leaves_buckets_that_the_next_sweep_ends(string place)
    {
        await using var own = new LocalServers();
        _ = await own.CreateDatabaseAsync();
        await using var storage = FaultProxy.BeforeHttp(own.BlobPort);
        await using var service = await Service.StartAsync(own, toStorage: storage);
        var alice = service.User("alice");
        var ended = await service.LetEndAsync(alice, 3, Cancel);
        var restarted = new TaskCompletionSource();
        var begin = string.Format(System.Globalization.CultureInfo.InvariantCulture, place, ended[0].Container);
        var reached = storage.When(
            line => line.Replace("GET ", "HEAD ", StringComparison.Ordinal).StartsWith(begin, StringComparison.Ordinal),
            new HttpFault.HoldAnswer(token => restarted.Task.WaitAsync(token)));

        var sweeping = service.SweepAsync();
        Assert.Same(reached.Met, await Task.WhenAny(reached.Met, sweeping));
        await own.RestartPostgresAsync(Cancel);
        // The test's own eyes.
        await using (var straight = new NpgsqlConnection(service.Database)) NpgsqlConnection.ClearPool(straight);
        Assert.Equal(BucketState.Sealed, await service.StateAsync(ended[0]));
        storage.Forget(reached);
        restarted.SetResult();
        await sweeping;

        await service.AssertNeverShownAsync(ended);
        await service.SweepAsync();
        await service.AssertErasedAsync(ended);
        await service.AssertNeverShownAsync(ended);
    }

    [Fact]
    public async Task A_database_connection_cut_at_any_byte_leaves_a_bucket_that_the_next_sweep_ends_with_the_right_record()
    {
        await using var database = FaultProxy.Before(servers.PostgresPort);
        await using var service = await Service.StartAsync(servers, toDatabase: database);
        var alice = service.User("alice");
        var dice = new Random(20261125);
        var cutOff = 0;
        var rounds = Tier.Rounds(25, 1_000);
        for (var round = 0; round < rounds; round++)
        {
            var ended = await service.FillBucketAsync(alice, TimeSpan.FromMinutes(2), Cancel);
            service.Clock.MoveTo(ended.EndsAt);
            // Erasing one bucket reads about as much; after this nothing comes from the database at all.
            database.Fault = new Fault { AnswerBytes = dice.Next(1_200) };
            // What the timer would log.
            var broken = await Record.ExceptionAsync(service.SweepAsync);
            database.Fault = Fault.None;
            if (broken is not null || await service.StateAsync(ended) != BucketState.Erased) cutOff++;

            await service.UntilNobodyHasATurnAsync();
            await service.SweepAsync();

            await service.AssertErasedAsync(ended);
        }
        // The test cuts where it means to.
        Assert.InRange(cutOff, rounds / 3, rounds);
    }

    [Fact]
    public async Task A_database_that_is_away_is_said_to_be_by_health_and_all_that_fell_due_is_erased_by_the_first_sweep_after()
    {
        await using var database = FaultProxy.Before(servers.PostgresPort);
        await using var service = await Service.StartAsync(servers, toDatabase: database);
        var alice = service.User("alice");
        var ended = await service.LetEndAsync(alice, 3, Cancel);
        database.Fault = new Fault { IsRefusing = true };
        database.Cut();

        Assert.NotNull(await Record.ExceptionAsync(service.SweepAsync));
        await service.AssertNeverShownAsync(ended);
        var health = await service.Worker.HealthAsync("erasure");
        Assert.Equal((HealthStatus.Unhealthy, "Whether anything is overdue cannot be read."), (health.Status, health.Description));
        var keys = await service.Worker.HealthAsync("keys");
        Assert.Equal((HealthStatus.Unhealthy, "The processing keys cannot be read."), (keys.Status, keys.Description));

        database.Fault = Fault.None;
        await service.SweepAsync();
        await service.AssertErasedAsync(ended);
    }
}
