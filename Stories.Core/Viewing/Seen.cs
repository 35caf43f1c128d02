using Stories.Protocol;

namespace Stories.Core.Viewing;

/// <summary>A viewer's own mark that a story was seen, for the order of the tray; nobody else is shown it.</summary>
public sealed class Seen
{
    private Seen() { }

    public Guid StoryId { get; private set; }
    public Guid BucketId { get; private set; }
    public string App { get; private set; } = "";
    public string User { get; private set; } = "";

    public static Seen By(UserName viewer, Guid story, Guid bucket) =>
        new() { StoryId = story, BucketId = bucket, App = viewer.App, User = viewer.User };
}
