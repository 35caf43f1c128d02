using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Sponsored;

/// <summary><c>GET /v1/ads/transfers</c>: the ledger as far as it is the caller's, newest first.</summary>
internal static class ReadTransfers
{
    private const int Most = 200;

    public static TransferView View(Transfer transfer) => new(
        transfer.Id, transfer.Kind, transfer.Debit, transfer.Credit, transfer.Amount, transfer.Currency, transfer.LineId, transfer.At);

    /// <param name="before">The last one of the page before.</param>
    public static async Task<Results<Ok<TransferList>, ProblemHttpResult>> Handle(Guid? before, int? limit, Caller caller, StoriesDb db, CancellationToken cancellationToken)
    {
        if (limit is < 1 or > Most) return Problems.Of(ProblemCodes.RequestInvalid);
        if (await Booked.FindAdvertiserAsync(db, caller.Name, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.NotFound);
        var (own, most) = (db.Transfers.AsNoTracking().Where(t => t.AdvertiserId == advertiser.Id), limit ?? Most);
        var page = own;
        if (before is { } id)
        {
            if (await own.Where(t => t.Id == id).Select(t => (DateTimeOffset?)t.At).FirstOrDefaultAsync(cancellationToken) is not { } at) return Problems.Of(ProblemCodes.NotFound);
            page = own.Where(t => t.At < at || (t.At == at && t.Id.CompareTo(id) < 0));
        }
        var found = await page.OrderByDescending(t => t.At).ThenByDescending(t => t.Id).Take(most + 1).ToListAsync(cancellationToken);
        var shown = found.Take(most).Select(View).ToList();
        return TypedResults.Ok(new TransferList(shown, found.Count > most ? shown[^1].Id : null));
    }
}
