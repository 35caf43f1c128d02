using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Erasure;

/// <summary><c>GET /v1/takedowns</c>: how many stories were taken down in the last days and why, as transparency reports need it.</summary>
internal static class ShowTakedowns
{
    private const int UsualDays = 30;

    /// <param name="days">No more than the rows are kept.</param>
    public static async Task<Results<Ok<TakedownReport>, ProblemHttpResult>> Handle(
        int? days, StoriesDb db, IOptions<TakedownOptions> options, TimeProvider clock, CancellationToken cancellationToken)
    {
        var span = days ?? UsualDays;
        if (span < 1 || span > options.Value.KeptFor.TotalDays) return Problems.Of(ProblemCodes.RequestInvalid);
        var since = clock.GetUtcNow() - TimeSpan.FromDays(span);
        var counts = await (
            from takedown in db.Takedowns
            where takedown.At > since
            group takedown by new { takedown.App, takedown.Level, takedown.Reason } into same
            select new { same.Key.App, same.Key.Level, same.Key.Reason, Stories = same.Count() }).ToListAsync(cancellationToken);
        return TypedResults.Ok(new TakedownReport(since, [..
            from c in counts
            orderby c.App, c.Level, c.Reason
            select new TakedownCount(c.App, c.Level, c.Reason, c.Stories)]));
    }
}
