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
/// <c>POST /v1/ads/lines/{id}/credits</c>: an operator gives billed views back. The line's budget stays as used as it was, and the price of
/// what is billed later the same: only the wallet has more.
/// </summary>
internal static class CreditLine
{
    private const int MaxReference = 140;

    public static async Task<Results<Ok<CreditView>, ProblemHttpResult>> Handle(Guid id, CreditRequest request, StoriesDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        var faults = new FieldFaults();
        faults.Require(request.Views > 0, "views", FieldFaultCode.OutOfRange, "At least 1.");
        faults.Require(Enum.IsDefined(request.Reason), "reason", FieldFaultCode.OutOfRange, "One of the schema's.");
        faults.RequireText(request.Reference, "reference", MaxReference);
        if (faults.Found.Count > 0) return Booked.Faulty(faults.Found);
        var advertiser = await db.Lines.Where(l => l.Id == id).Select(l => (Guid?)l.AdvertiserId).FirstOrDefaultAsync(cancellationToken);
        if (advertiser is not { } owner) return Problems.Of(ProblemCodes.NotFound);

        // In the order in which a fold locks.
        var wallet = (await db.Wallets.FromSql($"select * from wallets where advertiser_id = {owner} for update").AsNoTracking().ToListAsync(cancellationToken)).SingleOrDefault();
        if (wallet is null) return Problems.Of(ProblemCodes.CreditRefused);
        var line = (await db.Lines.FromSql($"select * from lines where id = {id} for update").AsNoTracking().ToListAsync(cancellationToken)).Single();
        // As with a payment, the ledger keeps no more of a reference than whether it is the same.
        var prefix = $"credit:{id:N}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(request.Reference)))}:";
        var transferKey = $"{prefix}{request.Views}:{request.Reason}";
        if (await db.Transfers.AsNoTracking().FirstOrDefaultAsync(t => t.LineId == id && t.Key.StartsWith(prefix), cancellationToken) is { } earlier)
            return earlier.Key == transferKey ? TypedResults.Ok(new CreditView(id, request.Views, earlier.Amount, earlier.Currency, earlier.At)) : Problems.Of(ProblemCodes.AdsReferenceUsed);

        var credited = await db.Counts.Where(c => c.LineId == id && c.Counter == Counters.Credited).SumAsync(c => c.Value, cancellationToken);
        var amount = request.Views > line.Billed - credited ? 0 : Cost.Of(credited + request.Views, line.Terms.PriceMicros) - Cost.Of(credited, line.Terms.PriceMicros);
        if (amount == 0) return Problems.Of(ProblemCodes.CreditRefused);
        var now = clock.GetUtcNow();
        db.Transfers.Add(Transfer.Return(Guid.NewGuid(), wallet, amount, id, transferKey, now));
        await db.SaveChangesAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"update wallets set balance = balance + {amount} where advertiser_id = {owner}", cancellationToken);
        var hour = DateTimeOffset.FromUnixTimeSeconds(AdRecord.HourOf(now));
        foreach (var (counter, value) in ((string, long)[])[(Counters.Credited, request.Views), (Counters.Of(request.Reason), request.Views), (Counters.CreditedMicros, amount)])
        {
            await db.Database.ExecuteSqlAsync($"""
                insert into counts as c (line_id, hour, cell, creative, counter, value) values ({id}, {hour}, '', '', {counter}, {value})
                on conflict (line_id, hour, cell, creative, counter) do update set value = c.value + excluded.value
                """, cancellationToken);
        }
        return TypedResults.Ok(new CreditView(id, request.Views, amount, wallet.Currency, now));
    }
}
