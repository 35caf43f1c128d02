using Azure;
using Azure.Identity;
using Npgsql;

namespace Stories.Core.Faults;

/// <summary>
/// What may be said of an exception in a log: its kind and the code of who refused. Messages quote what a library was working
/// on (names, addresses, tags of a file), so they go nowhere.
/// </summary>
public static class Trouble
{
    /// <summary>Keys are not here, or database or storage did not answer, are too busy to, or do not know us: it passes, or an operator mends it.</summary>
    public static bool IsAway(Exception exception) => exception switch
    {
        NpgsqlException { IsTransient: true } => true,
        RequestFailedException { Status: 0 or 401 or 403 or 429 or >= 500 } => true,
        RequestFailedException { ErrorCode: "ContainerNotFound" or "AccountIsDisabled" or "ResourceNotFound" } => true,
        AuthenticationFailedException or KeyAwayException => true,
        // What the storage client throws when it has tried several times, perhaps in vain for its patience each time, and EF when the database was away.
        AggregateException { InnerExceptions: var tries } => tries.Any(e => e is OperationCanceledException or IOException || IsAway(e)),
        { InnerException: { } inner } => IsAway(inner),
        _ => false,
    };

    public static string Of(Exception exception)
    {
        var own = exception switch
        {
            PostgresException postgres => $"PostgresException {postgres.SqlState}",
            RequestFailedException storage => $"RequestFailedException {storage.Status} {storage.ErrorCode}".TrimEnd(),
            _ => exception.GetType().Name,
        };
        return exception.InnerException is { } inner ? $"{own} < {Of(inner)}" : own;
    }
}
