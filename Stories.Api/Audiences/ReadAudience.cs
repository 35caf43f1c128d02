using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Audiences;

/// <summary>Audiences as their owner and their members see them; only the owner sees who else is in one.</summary>
internal static class ReadAudience
{
    public static async Task<Ok<AudienceList>> HandleAll(Caller caller, StoriesDb db, CancellationToken cancellationToken) =>
        TypedResults.Ok(new AudienceList(await ListAsync(db, caller.Name, id: null, cancellationToken)));

    public static async Task<Results<Ok<AudienceView>, ProblemHttpResult>> Handle(Guid id, Caller caller, StoriesDb db, CancellationToken cancellationToken) =>
        await ListAsync(db, caller.Name, id, cancellationToken) is [var audience] ? TypedResults.Ok(audience) : Problems.Of(ProblemCodes.NotFound);

    /// <summary>An epoch's key for one of the caller's devices. Older epochs stay readable: stories of theirs may still live.</summary>
    public static async Task<Results<Ok<EpochView>, ProblemHttpResult>> HandleEpoch(
        Guid id, int number, Guid device, Caller caller, StoriesDb db, CancellationToken cancellationToken)
    {
        var view = await (
            from envelope in db.EpochEnvelopes
            join own in db.Devices on envelope.DeviceId equals own.Id
            join epoch in db.AudienceEpochs on new { envelope.AudienceId, envelope.Number } equals new { epoch.AudienceId, epoch.Number }
            where envelope.AudienceId == id && envelope.Number == number && own.Id == device && own.App == caller.Name.App && own.User == caller.Name.User
            select new EpochView(id, number, epoch.Recipient, envelope.Envelope)).SingleOrDefaultAsync(cancellationToken);
        return view is null ? Problems.Of(ProblemCodes.NotFound) : TypedResults.Ok(view);
    }

    private static async Task<List<AudienceView>> ListAsync(StoriesDb db, UserName caller, Guid? id, CancellationToken cancellationToken)
    {
        var rows = await (
            from audience in db.Audiences
            where id == null || audience.Id == id
            let isOwner = audience.OwnerApp == caller.App && audience.OwnerUser == caller.User
            where isOwner || db.AudienceMembers.Any(m => m.AudienceId == audience.Id && m.ToEpoch == null && m.App == caller.App && m.User == caller.User)
            join epoch in db.AudienceEpochs on new { AudienceId = audience.Id, Number = audience.Epoch } equals new { epoch.AudienceId, epoch.Number }
            orderby audience.CreatedAt
            select new
            {
                audience,
                epoch.Recipient,
                Members = isOwner ? db.AudienceMembers.Where(m => m.AudienceId == audience.Id && m.ToEpoch == null).Select(m => m.App + "/" + m.User).ToList() : null,
            }).AsNoTracking().ToListAsync(cancellationToken);
        return [.. rows.Select(r => new AudienceView(r.audience.Id, r.audience.Owner.ToString(), r.audience.Kind, r.audience.Epoch, r.Recipient, r.Members))];
    }
}
