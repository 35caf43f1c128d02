using Stories.Protocol;

namespace Stories.Core.Apps;

/// <summary>One device of a user: where its envelopes go and whose signature we accept. Private keys never leave it.</summary>
public sealed class Device
{
    private Device() { }

    public Guid Id { get; private set; }
    public string App { get; private set; } = "";
    public string User { get; private set; } = "";
    public string Recipient { get; private set; } = "";
    public byte[] SigningKey { get; private set; } = [];
    public DateTimeOffset CreatedAt { get; private set; }

    public UserName Owner => new(App, User);

    public static Device Register(Guid id, UserName owner, string recipient, byte[] signingKey, DateTimeOffset now) => new()
    {
        Id = id,
        App = owner.App,
        User = owner.User,
        Recipient = recipient,
        SigningKey = signingKey,
        CreatedAt = now,
    };

    /// <summary>Recipients were once kept in the case in which they came.</summary>
    public bool IsSame(UserName owner, string recipient, byte[] signingKey) =>
        Owner == owner && recipient.Equals(Recipient, StringComparison.OrdinalIgnoreCase) && SigningKey.AsSpan().SequenceEqual(signingKey);
}
