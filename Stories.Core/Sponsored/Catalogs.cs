using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>A signed catalog as it is handed out: whoever asks in its epoch gets these bytes.</summary>
public sealed class IssuedCatalog
{
    /// <summary>How long what a catalog names can be fetched after its epoch: somebody is watching.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);

    private IssuedCatalog() { }

    /// <summary>The name of its cell, which may be merged.</summary>
    public string Cell { get; private set; } = "";

    /// <summary>Unix seconds.</summary>
    public long Epoch { get; private set; }

    /// <summary>Raised when it is made again within its epoch.</summary>
    public int Revision { get; private set; }
    public byte[] Bytes { get; private set; } = [];
    public byte[] Signature { get; private set; } = [];
    public string Key { get; private set; } = "";

    /// <summary>Those in it: a record of another line was never shown from it.</summary>
    public Guid[] Lines { get; private set; } = [];

    /// <summary>Superseded, and not handed out any more.</summary>
    public bool IsDropped { get; private set; }

    public SignedRecord Record => new(Bytes, Signature, Key);

    /// <summary>When nothing of an epoch's catalog can be fetched any more.</summary>
    public static DateTimeOffset EndOf(long epoch) => DateTimeOffset.FromUnixTimeSeconds(epoch + Catalog.EpochSeconds) + Grace;
}

/// <summary>A cell as devices ask for it, in one hour: how large it is, and when it is awake.</summary>
public sealed class CellHour
{
    private CellHour() { }

    /// <summary>Never merged.</summary>
    public string Cell { get; private set; } = "";
    public DateTimeOffset Hour { get; private set; }

    /// <summary>Answered requests for its catalog.</summary>
    public long Fetches { get; private set; }

    /// <summary>Places where a sponsored status could have stood, scaled up from the sampled devices.</summary>
    public long Opportunities { get; private set; }
}

/// <summary>What was answered to an Idempotency-Key, in the transaction of what it did.</summary>
public sealed class Answered
{
    private Answered() { }

    public string App { get; private set; } = "";
    public string User { get; private set; } = "";
    public string Key { get; private set; } = "";

    /// <summary>SHA-256 of method, path and body: a key is for one request.</summary>
    public string RequestSha256 { get; private set; } = "";
    public int Status { get; private set; }
    public string? Location { get; private set; }
    public byte[] Body { get; private set; } = [];
    public DateTimeOffset At { get; private set; }

    public static Answered Of(UserName caller, string key, string requestSha256, int status, string? location, byte[] body, DateTimeOffset now) => new()
    {
        App = caller.App,
        User = caller.User,
        Key = key,
        RequestSha256 = requestSha256,
        Status = status,
        Location = location,
        Body = body,
        At = now,
    };
}
