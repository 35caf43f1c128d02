namespace Stories.Protocol;

/// <summary>Sizes that are part of the protocol. Limits that an operator may change are options of the hosts.</summary>
public static class Limits
{
    public const int JsonDepth = 16;
    public const int PayloadBytes = 64 * 1024;
    public const int KeyEnvelopeBytes = 4 * 1024;
    public const int UploadsPerStory = 10;
    public const int OpenBatch = 50;

    public static readonly TimeSpan DefaultLifetime = TimeSpan.FromHours(24);
    public static readonly TimeSpan MinLifetime = TimeSpan.FromMinutes(1);
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromHours(48);

    /// <summary>How far a manifest's createdAt may lie from the service's clock, either way.</summary>
    public static readonly TimeSpan CreatedAtTolerance = TimeSpan.FromMinutes(2);

    /// <summary>Viewers refuse a story whose expiresAt lies further than this beyond createdAt + lifetime.</summary>
    public static readonly TimeSpan ExpiryTolerance = TimeSpan.FromMinutes(5);

    /// <summary>Age headers of uploads that the worker decrypts.</summary>
    public const int AgeHeaderBytes = 8 * 1024;
    public const int AgeStanzas = 2;
}
