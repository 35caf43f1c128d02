namespace Stories.Protocol;

/// <summary>Who can read the bytes of a story; design: protection levels.</summary>
public enum Level
{
    EndToEnd,
    Processed,
    Clear,
}

/// <summary>Which of the worker's servers takes a story: a photo never waits behind videos.</summary>
public enum Lane
{
    Photo,
    Video,
}

public enum StoryState
{
    Accepted,
    Processing,
    Live,
    Rejected,
    Withdrawn,
    ExpiredBeforeLive,

    /// <summary>By a moderator; the code says why.</summary>
    TakenDown,
}

/// <summary>Why a moderator takes a story down; all that is kept of it.</summary>
public enum TakedownReason
{
    Illegal,
    ChildSafety,
    SelfHarm,
    Violence,
    Nudity,
    Harassment,
    Impersonation,
    Copyright,
    Spam,
    Other,
}

public enum AudienceKind
{
    /// <summary>Only the owner posts.</summary>
    List,
}

/// <summary>What a worker does with a story just now; shown to its author.</summary>
public enum Stage
{
    Waiting,
    Decrypting,
    Probing,
    Rendering,
    Sealing,
    Done,
}

/// <summary>A user of an app, written <c>app/user</c> everywhere.</summary>
public readonly record struct UserName(string App, string User)
{
    public const int MaxUserLength = 128;

    public static bool TryParse(string? text, out UserName name)
    {
        var slash = text?.IndexOf('/') ?? -1;
        name = slash > 0 ? new UserName(text![..slash], text[(slash + 1)..]) : default;
        return slash > 0 && IsApp(name.App) && IsUser(name.User);
    }

    public static bool IsApp(string? app) =>
        app is { Length: > 0 and <= 40 } && app.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    /// <summary>Printable ASCII without a slash, quote or backslash: the same bytes in JSON, in a path and in a signature.</summary>
    public static bool IsUser(string? user) =>
        user is { Length: > 0 and <= MaxUserLength } &&
        user.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~' or '@' or ':' or '=');

    public override string ToString() => $"{App}/{User}";
}
