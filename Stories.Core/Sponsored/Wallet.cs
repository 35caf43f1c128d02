using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>What an advertiser has paid in and not yet used. It changes by transfers only, in their transaction, and never falls below nothing.</summary>
public sealed class Wallet
{
    private Wallet() { }

    public Guid AdvertiserId { get; private set; }

    /// <summary>ISO 4217.</summary>
    public string Currency { get; private set; } = "";

    /// <summary>Micros.</summary>
    public long Balance { get; private set; }

    public static Wallet Open(Guid advertiser, string currency) => new() { AdvertiserId = advertiser, Currency = currency };
}

/// <summary>
/// One movement of money, never changed and never removed. It names where from and where to, so that all transfers of an account
/// sum up to what is there, and all accounts together to nothing, whatever is added.
/// </summary>
public sealed class Transfer
{
    private Transfer() { }

    public Guid Id { get; private set; }
    public TransferKind Kind { get; private set; }
    public string Debit { get; private set; } = "";
    public string Credit { get; private set; } = "";

    /// <summary>Micros, above nothing.</summary>
    public long Amount { get; private set; }
    public string Currency { get; private set; } = "";
    public Guid AdvertiserId { get; private set; }
    public Guid? LineId { get; private set; }

    /// <summary>Whose repetition it would be: unique.</summary>
    public string Key { get; private set; } = "";
    public DateTimeOffset At { get; private set; }

    /// <summary>Prepaid from outside.</summary>
    public static Transfer Fund(Guid id, Wallet wallet, long amount, string key, DateTimeOffset now) =>
        Of(id, TransferKind.Funding, Accounts.Outside, Accounts.Wallet(wallet.AdvertiserId), wallet, amount, null, key, now);

    /// <summary>For billed views of a line.</summary>
    public static Transfer Settle(Guid id, Wallet wallet, long amount, Guid line, string key, DateTimeOffset now) =>
        Of(id, TransferKind.Settlement, Accounts.Wallet(wallet.AdvertiserId), Accounts.Revenue, wallet, amount, line, key, now);

    /// <summary>Given back for views that turned out to be none.</summary>
    public static Transfer Return(Guid id, Wallet wallet, long amount, Guid line, string key, DateTimeOffset now) =>
        Of(id, TransferKind.Credit, Accounts.Revenue, Accounts.Wallet(wallet.AdvertiserId), wallet, amount, line, key, now);

    private static Transfer Of(Guid id, TransferKind kind, string debit, string credit, Wallet wallet, long amount, Guid? line, string key, DateTimeOffset now)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(amount);
        return new Transfer
        {
            Id = id,
            Kind = kind,
            Debit = debit,
            Credit = credit,
            Amount = amount,
            Currency = wallet.Currency,
            AdvertiserId = wallet.AdvertiserId,
            LineId = line,
            Key = key,
            At = now,
        };
    }
}

/// <summary>Names of the ledger's accounts.</summary>
public static class Accounts
{
    public const string Outside = "outside";
    public const string Revenue = "revenue";

    public static string Wallet(Guid advertiser) => $"wallet:{advertiser:N}";
}

/// <summary>What a number of views costs.</summary>
public static class Cost
{
    /// <summary>Always of the running number, so that rounding never drifts: what is charged is the difference.</summary>
    /// <param name="price">Micros for a thousand.</param>
    public static long Of(long views, long price) => checked((long)((Int128)views * price / 1000));

    /// <summary>How many more views a sum pays for after <paramref name="billed"/> ones: the most n with cost(billed + n) − cost(billed) ≤ sum.</summary>
    public static long Affordable(long billed, long price, long sum)
    {
        if (price == 0) return long.MaxValue;
        if (sum < 0) return 0;
        var most = ((Int128)Of(billed, price) + sum + 1) * 1000;
        // The last n with n × price < most.
        var last = (most - 1) / price;
        return last <= billed ? 0 : (long)Int128.Min(last - billed, long.MaxValue);
    }
}
