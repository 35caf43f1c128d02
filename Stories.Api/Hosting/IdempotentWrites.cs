using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;

namespace Stories.Api.Hosting;

/// <summary>On a route: what it does is done once for each Idempotency-Key.</summary>
/// <param name="IsKeyRequired">Not where the address already says what is written.</param>
internal sealed record AnsweredOnce(bool IsKeyRequired);

/// <summary>
/// Writes whose answer is kept in the transaction of what they do, so that a repetition gets that answer and does nothing. The
/// transaction is opened here and is the handler's too, which begins none of its own: it is committed before anything of an answer goes
/// out, and what a refused handler has written is taken back. Two at once with one key: the second waits for the first.
/// </summary>
internal sealed class IdempotentWrites(RequestDelegate next)
{
    public const string KeyHeader = "Idempotency-Key";
    public const string ReplayedHeader = "Idempotency-Replayed";
    public const int MaxKeyLength = 128;

    public static readonly TimeSpan KeptFor = TimeSpan.FromHours(24);

    private const string Undone = "undone";

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<AnsweredOnce>() is not { } rule)
        {
            await next(context);
            return;
        }
        var keys = context.Request.Headers[KeyHeader];
        if (keys.Count == 0 && rule.IsKeyRequired || keys.Count > 0 && !IsKey(keys))
        {
            await Problems.Of(ProblemCodes.IdempotencyKeyMissing).ExecuteAsync(context);
            return;
        }
        // Routes with this ask for a caller, and that has been checked.
        await RunAsync(context, Caller.Of(context.User)!.Name, keys.Count == 0 ? null : keys.ToString());
    }

    private async Task RunAsync(HttpContext context, UserName caller, string? key)
    {
        var cancellationToken = context.RequestAborted;
        // All of it, with a key or without: no connection, and nobody's departure, waits for a slow sender.
        var request = await HashAsync(context.Request, cancellationToken);
        var (db, clock) = (context.RequestServices.GetRequiredService<StoriesDb>(), context.RequestServices.GetRequiredService<TimeProvider>());
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (!await DepartureGate.PassAsync(db, [caller], cancellationToken))
        {
            await Problems.Of(ProblemCodes.Unavailable).ExecuteAsync(context);
            return;
        }
        if (key is not null && await FindEarlierAsync(db, caller, key, clock.GetUtcNow(), cancellationToken) is { } earlier)
        {
            if (earlier.RequestSha256 == request) await ReplayAsync(context, earlier);
            else await Problems.Of(ProblemCodes.IdempotencyKeyReused).ExecuteAsync(context);
            return;
        }

        await transaction.CreateSavepointAsync(Undone, cancellationToken);
        var body = await CaptureAsync(context);
        var status = context.Response.StatusCode;
        if (status < StatusCodes.Status500InternalServerError)
        {
            if (status >= StatusCodes.Status400BadRequest) await transaction.RollbackToSavepointAsync(Undone, cancellationToken);
            db.ChangeTracker.Clear();
            if (key is not null)
            {
                db.Answered.Add(Answered.Of(caller, key, request, status, context.Response.Headers.Location.FirstOrDefault(), body, clock.GetUtcNow()));
                await db.SaveChangesAsync(cancellationToken);
            }
            await transaction.CommitAsync(cancellationToken);
        }
        // Even nothing is too much where a status has no body, or where an empty refusal is still to be completed.
        if (body.Length > 0) await context.Response.Body.WriteAsync(body, cancellationToken);
    }

    private static async Task<Answered?> FindEarlierAsync(StoriesDb db, UserName caller, string key, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await db.Database.ExecuteSqlAsync($"select pg_advisory_xact_lock(hashtextextended({$"answer {caller} {key}"}, 0))", cancellationToken);
        var (answers, since) = (db.Answered.Where(a => a.App == caller.App && a.User == caller.User && a.Key == key), now - KeptFor);
        if (await answers.AsNoTracking().FirstOrDefaultAsync(a => a.At > since, cancellationToken) is { } earlier) return earlier;
        await answers.ExecuteDeleteAsync(cancellationToken);
        return null;
    }

    /// <summary>Runs the handler and keeps what it would send.</summary>
    private async Task<byte[]> CaptureAsync(HttpContext context)
    {
        var wire = context.Response.Body;
        using var kept = new MemoryStream();
        context.Response.Body = kept;
        try
        {
            await next(context);
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
        }
        finally
        {
            context.Response.Body = wire;
        }
        return kept.ToArray();
    }

    private static async Task ReplayAsync(HttpContext context, Answered earlier)
    {
        var response = context.Response;
        response.StatusCode = earlier.Status;
        response.Headers[ReplayedHeader] = "true";
        if (earlier.Location is not null) response.Headers.Location = earlier.Location;
        // An empty refusal is completed as it was the first time.
        if (earlier.Body.Length == 0) return;
        response.ContentType = earlier.Status >= StatusCodes.Status400BadRequest ? Problems.ContentType : "application/json; charset=utf-8";
        await response.Body.WriteAsync(earlier.Body, context.RequestAborted);
    }

    private static async Task<string> HashAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        // As much as a body may have: none of it is to lie on a disk.
        request.EnableBuffering(bufferThreshold: (int)ApiServices.BodyBytes);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method}\n{request.Path}{request.QueryString}\n"));
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await request.Body.ReadAsync(buffer, cancellationToken)) > 0) hash.AppendData(buffer, 0, read);
        request.Body.Position = 0;
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static bool IsKey(Microsoft.Extensions.Primitives.StringValues keys) =>
        keys is [{ Length: > 0 and <= MaxKeyLength } key] && key.All(c => c is > ' ' and < (char)127);
}

internal static class IdempotentWritesExtensions
{
    public static TBuilder AnswerOnce<TBuilder>(this TBuilder route, bool isKeyRequired = false) where TBuilder : IEndpointConventionBuilder =>
        route.WithMetadata(new AnsweredOnce(isKeyRequired));
}
