using Microsoft.EntityFrameworkCore;

namespace Stories.Tests.Fixtures;

/// <summary>The locks of Hangfire's schedulers, as a process leaves them that was killed while it held them. Those would run out after a minute; these stay until a test frees them.</summary>
internal static class SchedulerLocks
{
    private const string Names = "'hangfire:locks:schedulepoller', 'hangfire:recurring-jobs:lock'";

    public static Task HoldAsync(Service service, CancellationToken cancellationToken) => ExecuteAsync(
        service, $"insert into hangfire.lock (resource, acquired) select name, clock_timestamp() + interval '1 hour' from unnest(array[{Names}]) as name", cancellationToken);

    public static Task FreeAsync(Service service, CancellationToken cancellationToken) =>
        ExecuteAsync(service, $"delete from hangfire.lock where resource in ({Names})", cancellationToken);

    /// <summary>There are two, and nobody else may hold them.</summary>
    private static async Task ExecuteAsync(Service service, string sql, CancellationToken cancellationToken) =>
        Assert.Equal(2, await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync(sql, cancellationToken)));
}
