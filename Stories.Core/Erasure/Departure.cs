namespace Stories.Core.Erasure;

/// <summary>
/// A user, or all users of an app, who are being erased. The row says what is still to be done, whoever dies doing it, and goes when
/// nothing of them is left.
/// </summary>
public sealed class Departure
{
    private Departure() { }

    public Guid Id { get; private set; }
    public string App { get; private set; } = "";

    /// <summary>Null: everybody of the app.</summary>
    public string? User { get; private set; }
    public DateTimeOffset AskedAt { get; private set; }

    public static Departure Ask(string app, string? user, DateTimeOffset now) => new() { Id = Guid.NewGuid(), App = app, User = user, AskedAt = now };
}
