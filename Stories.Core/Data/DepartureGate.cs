using Microsoft.EntityFrameworkCore;
using Stories.Protocol;

namespace Stories.Core.Data;

/// <summary>
/// Between those who write something of a user and whoever erases everything of that user. A writer holds the gate, shared, to
/// the end of its transaction and looks whether the user is leaving. Who asks for a departure closes the gate for a moment: all
/// that was in flight has then ended and is found, and whatever comes later sees the departure.
/// </summary>
public static class DepartureGate
{
    /// <summary>The first statement of a writer's transaction: who waits for the gate must not keep others from passing it.</summary>
    public const string Hold = "select pg_advisory_xact_lock_shared(hashtextextended('departures', 0))";

    public const string Close = "select pg_advisory_xact_lock(hashtextextended('departures', 0))";

    /// <summary>A condition in SQL, for a statement after <see cref="Hold"/>. The app's row is asked for too: tokens of a removed app are taken for some seconds more.</summary>
    /// <param name="app">The parameter that holds the app's id.</param>
    /// <param name="user">The parameter that holds the user's name.</param>
    public static string IsStaying(string app, string user) => $"""
        (exists (select 1 from apps a where a.id = {app}) and not exists (select 1 from departures d where d.app = {app} and (d."user" is null or d."user" = {user})))
        """;

    /// <summary>Holds the gate within a transaction that has done nothing else yet.</summary>
    /// <returns>False when somebody of them is leaving.</returns>
    public static async Task<bool> PassAsync(StoriesDb db, IReadOnlyCollection<UserName> users, CancellationToken cancellationToken)
    {
        await db.Database.ExecuteSqlRawAsync(Hold, cancellationToken);
        string[] apps = [.. users.Select(u => u.App)], names = [.. users.Select(u => u.User)];
        var sql = $"select not exists (select 1 from unnest(@apps, @names) as u(app, name) where not {IsStaying("u.app", "u.name")}) as \"Value\"";
        return await db.Database.SqlQueryRaw<bool>(sql, new Npgsql.NpgsqlParameter("apps", apps), new Npgsql.NpgsqlParameter("names", names)).SingleAsync(cancellationToken);
    }
}
