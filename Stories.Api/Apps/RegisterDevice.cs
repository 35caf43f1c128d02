using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Stories.Age;
using Stories.Api.Hosting;
using Stories.Core.Apps;
using Stories.Core.Data;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Apps;

/// <summary><c>POST /v1/devices</c>: the device's public keys; repeating it is harmless.</summary>
internal static class RegisterDevice
{
    public static async Task<Results<Created<DeviceView>, Ok<DeviceView>, ProblemHttpResult>> Handle(
        DeviceRequest request, Caller caller, StoriesDb db, IOptions<AppOptions> options, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (request.Id == Guid.Empty || !AgeRecipient.TryParse(request.Recipient, out var parsed) || request.SigningKey is not { Length: Signatures.PublicKeyBytes })
            return Problems.Of(ProblemCodes.DeviceInvalid);
        // One key has one text: others compare it, and encrypt to it.
        var recipient = parsed.ToString();

        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (!await DepartureGate.PassAsync(db, [caller.Name], cancellationToken)) return Problems.Of(ProblemCodes.Unavailable);
        await db.Database.ExecuteSqlAsync($"select pg_advisory_xact_lock(hashtextextended({"devices of " + caller.Name}, 0))", cancellationToken);
        if (await db.Devices.AsNoTracking().SingleOrDefaultAsync(d => d.Id == request.Id, cancellationToken) is { } earlier)
            return earlier.IsSame(caller.Name, recipient, request.SigningKey) ? TypedResults.Ok(Devices.View(earlier)) : Problems.Of(ProblemCodes.DeviceIdTaken);
        if (await db.Devices.CountAsync(d => d.App == caller.Name.App && d.User == caller.Name.User, cancellationToken) >= options.Value.DevicesPerUser)
            return Problems.Of(ProblemCodes.DeviceTooMany);

        var device = Device.Register(request.Id, caller.Name, recipient, request.SigningKey, clock.GetUtcNow());
        db.Devices.Add(device);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return Problems.Of(ProblemCodes.DeviceIdTaken);
        }
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.Created($"/v1/devices/{device.Id}", Devices.View(device));
    }
}
