using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Stories.Core;
using Stories.Core.Data;
using Stories.Core.Faults;
using Stories.Worker.Keys;

namespace Stories.Worker.Auditing;

/// <summary>
/// <c>audit</c>, by an operator and by hand, whether hosts run or not. A command of the worker, because only a worker knows scratch and
/// keys: run it where one runs.
/// </summary>
internal sealed class AuditCommand(string[] arguments)
{
    public static AuditCommand? Parse(string[] args) => args is ["audit", .. var rest] ? new AuditCommand(rest) : null;

    /// <returns>0, or 1 when something was found that was not repaired, or 2 when nothing could be done.</returns>
    public async Task<int> RunAsync(IServiceProvider services)
    {
        await using var scope = services.CreateAsyncScope();
        try
        {
            if ((await scope.ServiceProvider.GetRequiredService<StoriesDb>().Database.GetPendingMigrationsAsync()).Any())
            {
                await Console.Error.WriteLineAsync("The database's schema is older than this program. Run: ./stories migrate");
                return 2;
            }
            switch (arguments)
            {
                case []: return await AuditAsync(scope.ServiceProvider, AuditMode.Look);
                case ["--repair"]: return await AuditAsync(scope.ServiceProvider, AuditMode.Repair);
                case ["--repair", "--all"]: return await AuditAsync(scope.ServiceProvider, AuditMode.RepairAll);
                case [var id] when Guid.TryParse(id, out var story):
                    foreach (var (place, what) in await scope.ServiceProvider.GetRequiredService<TraceStory>().RunAsync(story, CancellationToken.None))
                        Console.WriteLine($"{place,-18} {what}");
                    return 0;
            }
        }
        catch (Exception e) when (e is not StartRefusedException)
        {
            await Console.Error.WriteLineAsync(e is NpgsqlException database
                ? $"PostgreSQL does not answer ({database.SqlState ?? "no connection"}). See that it runs and that ConnectionStrings:Stories names it."
                : $"It could not be looked at: {Trouble.Of(e)}.");
            return 2;
        }
        await Console.Error.WriteLineAsync("""
            audit                     look, and touch nothing
            audit --repair            mend what has been wrong for an hour, unless it is too much
            audit --repair --all      however much it is
            audit STORY               every place where anything of a story is
            """);
        return 2;
    }

    private static async Task<int> AuditAsync(IServiceProvider services, AuditMode mode)
    {
        // Whoever resolves the auditor would make a key where there is none, and might sign with it.
        if (!ServiceSigner.IsThere(services.GetRequiredService<IOptions<KeyOptions>>().Value))
        {
            await Console.Error.WriteLineAsync("Keys:Folder holds no signing key. Run this where a worker runs, or has run, with its settings.");
            return 2;
        }
        // What is due is said by the database's time, as in a host.
        await services.GetRequiredService<DatabaseClock>().SynchronizeAsync(CancellationToken.None);
        if (await services.GetRequiredService<Auditor>().RunAsync(mode, isOperator: true, CancellationToken.None) is not { } report)
        {
            await Console.Error.WriteLineAsync("Another audit is running. Try again when it has ended.");
            return 2;
        }
        Console.Write(Table(report, services.GetRequiredService<TimeProvider>().GetUtcNow()));
        if (report.IsTooMuch) await Console.Error.WriteLineAsync("So much looks like a wrong or empty database or account; nothing was repaired. If they are right: audit --repair --all");
        return report.IsClean ? 0 : 1;
    }

    internal static string Table(AuditReport report, DateTimeOffset now)
    {
        var table = new StringBuilder();
        table.AppendLine($"{"check",-32} {"looked at",9} {"found",6} {"oldest",12} {"repaired",8}");
        foreach (var line in report.Lines)
        {
            var oldest = line.Oldest is { } since ? $"{now - since:d\\.hh\\:mm\\:ss}" : line.Found > 0 ? "?" : "";
            table.AppendLine($"{line.Check,-32} {line.LookedAt,9} {line.Found,6} {oldest,12} {line.Repaired,8}{(line.Trouble is { } trouble ? $"  not finished: {trouble}" : "")}");
        }
        return table.ToString();
    }
}
