using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Stories.Api.Hosting;
using Stories.Core.Data;
using Stories.Core.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>
/// <c>POST /v1/ads/advertisers/{id}/funds</c>: an operator books a payment that has come. A payment's reference is booked once for each
/// wallet, whatever the Idempotency-Key.
/// </summary>
internal static class FundWallet
{
    private const int MaxReference = 140;

    /// <summary>No wallet holds more: sums of wallets stay within 64 bits.</summary>
    private const long MaxBalance = AdvertiserRules.MaxMicros * 10;

    public static async Task<Results<Created<TransferView>, Ok<TransferView>, ProblemHttpResult>> Handle(
        Guid id, FundingRequest request, StoriesDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        var faults = new FieldFaults();
        faults.Require(request.AmountMicros is > 0 and <= AdvertiserRules.MaxMicros, "amountMicros", FieldFaultCode.OutOfRange, $"1 to {AdvertiserRules.MaxMicros}.");
        faults.RequireText(request.Reference, "reference", MaxReference);
        if (faults.Found.Count > 0) return Booked.Faulty(faults.Found);

        if (await Booked.TakeAdvertiserAsync(db, id, cancellationToken) is not { } advertiser) return Problems.Of(ProblemCodes.NotFound);
        // References may name who paid: the ledger, which nobody is erased from, keeps no more than whether it is the same.
        var key = $"fund:{id:N}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(request.Reference)))}";
        if (await db.Transfers.AsNoTracking().FirstOrDefaultAsync(t => t.Key == key, cancellationToken) is { } earlier)
            return earlier.Amount == request.AmountMicros ? TypedResults.Ok(ReadTransfers.View(earlier)) : Problems.Of(ProblemCodes.AdsReferenceUsed);
        if (advertiser.State == AdvertiserState.Closed) return Problems.Of(ProblemCodes.AdsAdvertiserClosed);

        var wallet = (await db.Wallets.FromSql($"select * from wallets where advertiser_id = {id} for update").AsNoTracking().ToListAsync(cancellationToken)).Single();
        if (wallet.Balance > MaxBalance - request.AmountMicros) return Problems.Of(ProblemCodes.AdsWalletFull);
        var transfer = Transfer.Fund(Guid.NewGuid(), wallet, request.AmountMicros, key, clock.GetUtcNow());
        db.Transfers.Add(transfer);
        await db.SaveChangesAsync(cancellationToken);
        await db.Wallets.Where(w => w.AdvertiserId == id).ExecuteUpdateAsync(set => set.SetProperty(w => w.Balance, w => w.Balance + request.AmountMicros), cancellationToken);
        return TypedResults.Created("/v1/ads/transfers", ReadTransfers.View(transfer));
    }
}
