using Stories.Protocol;

namespace Stories.Core.Erasure;

/// <summary>That a moderator took a story down, and why: nothing of the story, nor of its author, for the statistics that laws ask for.</summary>
public sealed class Takedown
{
    private Takedown() { }

    public Guid Id { get; private set; }

    /// <summary>The author's app.</summary>
    public string App { get; private set; } = "";
    public Level Level { get; private set; }
    public TakedownReason Reason { get; private set; }

    /// <summary><c>app/user</c> of the moderator.</summary>
    public string Moderator { get; private set; } = "";
    public DateTimeOffset At { get; private set; }

    public static Takedown Of(string app, Level level, TakedownReason reason, UserName moderator, DateTimeOffset now) =>
        new() { Id = Guid.NewGuid(), App = app, Level = level, Reason = reason, Moderator = moderator.ToString(), At = now };
}
