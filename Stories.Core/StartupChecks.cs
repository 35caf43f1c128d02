using Azure;
using Azure.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Stories.Core.Data;
using Stories.Core.Faults;

namespace Stories.Core;

/// <summary>What must be so before a host serves anything; each refusal says what to do.</summary>
public sealed class StartupChecks(
    IServiceScopeFactory scopes, DatabaseClock clock, RetentionWatch retention, IHostEnvironment environment, ILogger<StartupChecks> log) : BackgroundService
{
    private static readonly TimeSpan ClockGlance = TimeSpan.FromSeconds(1);
    private bool isPassed;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await PassAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <summary>
    /// What a program calls before it starts its host, which would log a refusal with a stack. All settings first: whoever asks for one of
    /// them would name only that.
    /// </summary>
    public static Task PassAsync(IServiceProvider services)
    {
        services.GetRequiredService<IStartupValidator>().Validate();
        return services.GetRequiredService<StartupChecks>().PassAsync(CancellationToken.None);
    }

    /// <exception cref="StartRefusedException">Its message says what to do.</exception>
    public async Task PassAsync(CancellationToken cancellationToken)
    {
        if (isPassed) return;
        var drift = await clock.SynchronizeAsync(cancellationToken);
        if (drift.Duration() > DatabaseClock.MaxDrift)
            throw new StartRefusedException($"This machine's clock is {drift.Duration().TotalSeconds:0.0} s off the database's. Set it right (for instance with NTP).");

        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<StoriesDb>();
        if ((await db.Database.GetPendingMigrationsAsync(cancellationToken)).Any())
            throw new StartRefusedException("The database's schema is older than this program. Run: ./stories migrate");
        if (environment.IsProduction() && await db.Apps.AnyAsync(a => a.IsDevelopment, cancellationToken))
            throw new StartRefusedException("An app with the development issuer is registered, whose tokens anybody with the key file can mint. Remove it: ./stories app remove NAME");

        var kept = await retention.LookAsync(cancellationToken);
        if (kept.Count > 0 && !retention.IsAllowed)
            throw new StartRefusedException($"The storage account keeps what is deleted: {string.Join(", ", kept)}. Switch that off, or set Blobs:AllowRetainedDeletes if you know what it means for erasure.");
        isPassed = true;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(ClockGlance, TimeProvider.System);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (!clock.NeedsReading) continue;
            try
            {
                if ((await clock.SynchronizeAsync(stoppingToken)).Duration() > DatabaseClock.MaxDrift)
                    log.LogWarning("This machine's clock is off the database's, whose time goes on being used. Set it right (for instance with NTP).");
            }
            catch (NpgsqlException e)
            {
                // The last reading goes on being right to within what a counter drifts in a minute; readiness tells of the database.
                log.LogWarning("The database's clock could not be read ({SqlState}).", e.SqlState ?? "no answer");
            }
        }
    }
}

/// <summary>What makes it wrong to start; the message tells an operator what to do and is all that is printed.</summary>
public sealed class StartRefusedException(string message) : Exception(message)
{
    /// <returns>What an operator is to be told; null when it is none of theirs to mend, but ours.</returns>
    public static string? Explain(Exception trouble) => trouble switch
    {
        StartRefusedException or OptionsValidationException => trouble.Message,
        // What cannot be read as its type; the message names both.
        InvalidOperationException { Source: "Microsoft.Extensions.Configuration.Binder" } => trouble.Message,
        PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } =>
            "PostgreSQL refuses the user or the password that ConnectionStrings:Stories names.",
        PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } =>
            "PostgreSQL has no database of the name in ConnectionStrings:Stories. Run: ./stories migrate",
        NpgsqlException and not PostgresException or PostgresException { IsTransient: true } =>
            $"PostgreSQL does not answer ({Trouble.Of(trouble)}). See that it runs and that ConnectionStrings:Stories names it.",
        RequestFailedException { Status: 401 or 403 } or AuthenticationFailedException =>
            $"Blob storage refuses whoever asks ({Trouble.Of(trouble)}). See the key in Blobs:ConnectionString, or the identity's roles (docs/operations.md).",
        RequestFailedException when Trouble.IsAway(trouble) =>
            $"Blob storage does not answer ({Trouble.Of(trouble)}). See that it runs and that Blobs:ConnectionString or Blobs:ServiceUri names it.",
        // Of several settings, each with its own; of several attempts at storage one for all.
        AggregateException several => several.InnerExceptions.Select(Explain).Distinct().ToList() is var all && all.Contains(null) ? null : string.Join(Environment.NewLine, all),
        // As EF says that the database was away.
        { InnerException: { } inner } => Explain(inner),
        _ => null,
    };
}
