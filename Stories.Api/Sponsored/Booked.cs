using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>
/// What a caller has booked, found for a change: the rows stay as they are until the caller's transaction ends. Somebody else's is not
/// found. Rows are taken in the order that <see cref="DropCatalogs"/> says, as counting takes them too.
/// </summary>
internal static class Booked
{
    public static Task<Advertiser?> FindAdvertiserAsync(StoriesDb db, UserName owner, CancellationToken cancellationToken) =>
        db.Advertisers.AsNoTracking().FirstOrDefaultAsync(a => a.App == owner.App && a.User == owner.User, cancellationToken);

    public static Task<Advertiser?> TakeAdvertiserAsync(StoriesDb db, UserName owner, CancellationToken cancellationToken) =>
        OneAsync(db.Advertisers.FromSql($"select * from advertisers where app = {owner.App} and \"user\" = {owner.User} for update"), cancellationToken);

    public static Task<Advertiser?> TakeAdvertiserAsync(StoriesDb db, Guid id, CancellationToken cancellationToken) =>
        OneAsync(db.Advertisers.FromSql($"select * from advertisers where id = {id} for update"), cancellationToken);

    public static Task<Campaign?> TakeCampaignAsync(StoriesDb db, Guid advertiser, Guid id, CancellationToken cancellationToken) =>
        OneAsync(db.Campaigns.FromSql($"select * from campaigns where id = {id} and advertiser_id = {advertiser} for update"), cancellationToken);

    public static Task<Line?> TakeLineAsync(StoriesDb db, Guid advertiser, Guid id, CancellationToken cancellationToken) =>
        OneAsync(db.Lines.FromSql($"select * from lines where id = {id} and advertiser_id = {advertiser} for update"), cancellationToken);

    public static ProblemHttpResult Faulty(IReadOnlyList<FieldFault> faults) => Problems.Of(ProblemCodes.AdsFieldsInvalid, "faults", faults);

    /// <summary>Ids that name the advertiser's own creatives, none of them withdrawn and none that the line's people may not see.</summary>
    public static async Task<IReadOnlyList<FieldFault>> FindCreativeFaultsAsync(StoriesDb db, Guid advertiser, LineTerms terms, IReadOnlyList<Guid>? creatives, CancellationToken cancellationToken)
    {
        var faults = new FieldFaults();
        var own = creatives is { Count: > 0 and <= LineRules.MaxCreatives }
            ? await db.Creatives.AsNoTracking().Where(c => creatives.Contains(c.Id) && c.AdvertiserId == advertiser && c.State != CreativeState.Withdrawn && c.ErasedAt == null).ToDictionaryAsync(c => c.Id, cancellationToken)
            : [];
        faults.RequireEach(creatives, "creatives", LineRules.MaxCreatives, own.ContainsKey, FieldFaultCode.Unknown, "The id of a creative of your own that is not withdrawn.");
        for (var i = 0; i < creatives?.Count; i++)
        {
            if (own.TryGetValue(creatives[i], out var creative))
                faults.Require(LineRules.MayShow(terms, creative.Facts), $"creatives[{i}]", FieldFaultCode.NotAllowed, "It is for adults only: so must be the line's targets.");
        }
        return faults.Found;
    }

    /// <summary>Locking reads are not composed: their where is in them.</summary>
    private static async Task<T?> OneAsync<T>(IQueryable<T> rows, CancellationToken cancellationToken) where T : class =>
        (await rows.ToListAsync(cancellationToken)).SingleOrDefault();
}
