using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Stories.Age;
using Stories.Api.Hosting;
using Stories.Core.Apps;
using Stories.Core.Audiences;
using Stories.Core.Data;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Audiences;

/// <summary>
/// <c>PUT /v1/audiences/{id}/epochs/{number}</c>: founds an audience (number 1) or changes who is in it, by compare-and-swap on
/// the number. The epoch's key never reaches us: only its recipient, and an envelope for each device.
/// </summary>
internal sealed class BeginEpoch(StoriesDb db, AppRegistry apps, IOptions<AppOptions> options, TimeProvider clock)
{
    /// <summary>1,000 members with a few devices each need more than other requests.</summary>
    public const long BodyBytes = 8L << 20;

    public static Task<Results<Created<AudienceView>, ProblemHttpResult>> Handle(
        Guid id, int number, EpochRequest request, Caller caller, BeginEpoch begin, CancellationToken cancellationToken) =>
        begin.RunAsync(id, number, request, caller.Name, cancellationToken);

    private async Task<Results<Created<AudienceView>, ProblemHttpResult>> RunAsync(
        Guid id, int number, EpochRequest request, UserName owner, CancellationToken cancellationToken)
    {
        if (Refusal(number, request, owner, out var members) is { } broken) return Problems.Of(broken);

        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (!await DepartureGate.PassAsync(db, [.. members, owner], cancellationToken)) return Problems.Of(ProblemCodes.Unavailable);
        if (!await HasExactEnvelopesAsync(request.Envelopes, [.. members, owner], cancellationToken)) return Problems.Of(ProblemCodes.AudienceEnvelopeMissing);
        if (await AdvanceAsync(id, number, request.Kind, owner, cancellationToken) is { } conflict) return Problems.Of(conflict);

        db.AudienceEpochs.Add(AudienceEpoch.Begin(id, number, request.Recipient, clock.GetUtcNow()));
        db.EpochEnvelopes.AddRange(request.Envelopes.Select(e => EpochEnvelopeRow.For(id, number, e.Device, e.Envelope)));
        var present = await db.AudienceMembers.Where(m => m.AudienceId == id && m.ToEpoch == null).ToListAsync(cancellationToken);
        foreach (var member in present.Where(m => !members.Contains(m.Name))) member.Leave(number);
        db.AudienceMembers.AddRange(members.Except(present.Select(m => m.Name)).Select(name => AudienceMember.Join(id, name, number)));
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            // A member who was to leave is being erased, and the membership with them.
            return Problems.Of(ProblemCodes.EpochConflict);
        }
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.Created($"/v1/audiences/{id}", new AudienceView(id, owner.ToString(), request.Kind, number, request.Recipient, [.. members.Select(m => m.ToString())]));
    }

    private string? Refusal(int number, EpochRequest request, UserName owner, out HashSet<UserName> members)
    {
        members = [];
        if (number < 1 || request.Members is null || request.Envelopes is null || !Enum.IsDefined(request.Kind) || !AgeRecipient.TryParse(request.Recipient, out _) ||
            request.Envelopes.Any(e => e?.Envelope is not { Length: > 0 and <= Limits.KeyEnvelopeBytes })) return ProblemCodes.AudienceInvalid;
        if (request.Members.Count > options.Value.MembersPerAudience) return ProblemCodes.AudienceTooLarge;
        foreach (var text in request.Members)
        {
            if (!UserName.TryParse(text, out var member)) return ProblemCodes.AudienceInvalid;
            if (apps.ById(member.App) is not { } theirs || apps.ById(owner.App)?.SharesAudiencesWith(theirs) is not true) return ProblemCodes.AudienceMemberRefused;
            members.Add(member);
        }
        return null;
    }

    private async Task<bool> HasExactEnvelopesAsync(IReadOnlyList<EpochEnvelope> envelopes, HashSet<UserName> users, CancellationToken cancellationToken)
    {
        string[] userApps = [.. users.Select(u => u.App)], userNames = [.. users.Select(u => u.User)];
        var devices = await db.Database.SqlQuery<Guid>($"""
            select d.id as "Value" from unnest({userApps}, {userNames}) as u(app, name) join devices d on d.app = u.app and d."user" = u.name
            """).ToListAsync(cancellationToken);
        return devices.Count == envelopes.Count && devices.ToHashSet().SetEquals(envelopes.Select(e => e.Device));
    }

    /// <returns>The refusal, or null when the audience now stands at this epoch.</returns>
    private async Task<string?> AdvanceAsync(Guid id, int number, AudienceKind kind, UserName owner, CancellationToken cancellationToken)
    {
        if (number > 1)
        {
            var moved = await db.Audiences
                .Where(a => a.Id == id && a.OwnerApp == owner.App && a.OwnerUser == owner.User && a.Kind == kind && a.Epoch == number - 1)
                .ExecuteUpdateAsync(set => set.SetProperty(a => a.Epoch, number), cancellationToken);
            return moved == 0 ? ProblemCodes.EpochConflict : null;
        }
        await db.Database.ExecuteSqlAsync($"select pg_advisory_xact_lock(hashtextextended({"audiences of " + owner}, 0))", cancellationToken);
        if (await db.Audiences.CountAsync(a => a.OwnerApp == owner.App && a.OwnerUser == owner.User, cancellationToken) >= options.Value.AudiencesPerUser)
            return ProblemCodes.AudienceTooMany;
        db.Audiences.Add(Audience.Found(id, owner, kind, clock.GetUtcNow()));
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            return null;
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return ProblemCodes.EpochConflict;
        }
    }
}
