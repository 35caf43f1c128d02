namespace Stories.Core.Media;

/// <summary>What decoders run in.</summary>
public enum SandboxKind
{
    /// <summary>bubblewrap, or where it does not stand Landlock.</summary>
    Auto,

    /// <summary>Namespaces of its own.</summary>
    Bubblewrap,

    /// <summary>Rules that a process lays upon itself, for containers that may not make namespaces.</summary>
    Landlock,
}
