namespace Stories.Worker.Rendering;

/// <summary>What a picture's numbers mean, by the code points of ITU-T H.273: what HEIF, AVIF, PNG and newer profiles name. 0 and 2 say nothing.</summary>
public readonly record struct CodePoints(byte Primaries, byte Transfer)
{
    public const byte PerceptualQuantizer = 16;
    public const byte HybridLogGamma = 18;

    /// <summary>Brighter than what is as white as paper.</summary>
    public bool IsHighDynamicRange => Transfer is PerceptualQuantizer or HybridLogGamma;
}
