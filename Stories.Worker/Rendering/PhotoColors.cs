using System.Buffers.Binary;
using System.Numerics;
using Stories.Core.Media;

namespace Stories.Worker.Rendering;

/// <summary>What a photo says its colours mean, other than by a profile that libvips follows.</summary>
internal static class PhotoColors
{
    private const int PngSignature = 8;

    /// <summary>Length and name before what is in a chunk, and a sum behind it.</summary>
    private const int ChunkHeader = 8, ChunkSum = 4;
    private const byte NoMatrix = 0, FullRange = 1;
    private const int ProfileHeader = 128;

    /// <summary>1 / 2.2, in hundred thousandths: what sRGB's curve is called by those who have but one number for it.</summary>
    private const uint UsualGamma = 45_455;
    private const uint NearEnough = 1_000;

    /// <param name="profile">Empty when there is none.</param>
    /// <param name="said">By what the picture came in.</param>
    /// <returns>Null when a profile decides, or when there is neither and it is sRGB.</returns>
    public static ColorSpace? Of(ReadOnlySpan<byte> file, ReadOnlySpan<byte> profile, CodePoints said)
    {
        // PNG, third edition, section 4.3, has this order: numbers, a profile, gamma and primaries.
        if (Chunk(file, "cICP"u8) is [var primaries, var transfer, NoMatrix, FullRange] && ColorSpace.Of(new CodePoints(primaries, transfer)) is { } numbered) return numbered;
        // A profile for more than white would leave everything else dark.
        if (said.IsHighDynamicRange) return ColorSpace.Of(said);
        if (OfProfile(profile) is { IsHighDynamicRange: true } bright) return ColorSpace.Of(bright);
        if (!profile.IsEmpty) return null;
        var space = ColorSpace.Of(said) ?? OfGamma(file);
        return space == ColorSpace.Srgb ? null : space;
    }

    /// <summary>ICC.1:2022, section 9.2.17.</summary>
    private static CodePoints OfProfile(ReadOnlySpan<byte> profile)
    {
        var left = profile.Length < ProfileHeader + 4 ? 0 : BinaryPrimitives.ReadUInt32BigEndian(profile[ProfileHeader..]);
        for (var at = ProfileHeader + 4; left > 0 && at + 12 <= profile.Length; left--, at += 12)
        {
            if (!profile[at..].StartsWith("cicp"u8)) continue;
            var place = BinaryPrimitives.ReadUInt32BigEndian(profile[(at + 4)..]);
            return place + 10L <= profile.Length && profile[(int)place..].StartsWith("cicp"u8) ? new CodePoints(profile[(int)place + 8], profile[(int)place + 9]) : default;
        }
        return default;
    }

    private static ColorSpace OfGamma(ReadOnlySpan<byte> file)
    {
        if (!Chunk(file, "sRGB"u8).IsEmpty) return ColorSpace.Srgb;
        var gamma = Chunk(file, "gAMA"u8);
        var places = Chunk(file, "cHRM"u8);
        var primaries = places.Length < 32 ? Chromaticities.Srgb : new Chromaticities(Place(places, 8), Place(places, 16), Place(places, 24), Place(places, 0));
        var curve = gamma.Length < 4 ? UsualGamma : BinaryPrimitives.ReadUInt32BigEndian(gamma);
        return ColorSpace.Of(primaries.AreWhole ? primaries : Chromaticities.Srgb, curve is 0 or (> UsualGamma - NearEnough and < UsualGamma + NearEnough) ? null : 100_000.0 / curve);
    }

    private static Vector2 Place(ReadOnlySpan<byte> places, int at) => new Vector2(BinaryPrimitives.ReadUInt32BigEndian(places[at..]), BinaryPrimitives.ReadUInt32BigEndian(places[(at + 4)..])) / 100_000;

    /// <returns>What is in the first one of this name before the picture; nothing when there is none, or when it is no PNG.</returns>
    private static ReadOnlySpan<byte> Chunk(ReadOnlySpan<byte> file, ReadOnlySpan<byte> wanted)
    {
        if (MediaKinds.Sniff(file) != MediaKind.Png) return [];
        var rest = file[PngSignature..];
        while (rest.Length >= ChunkHeader + ChunkSum)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            var name = rest.Slice(4, 4);
            if (name.SequenceEqual("IDAT"u8) || length > rest.Length - ChunkHeader - ChunkSum) break;
            if (name.SequenceEqual(wanted)) return rest.Slice(ChunkHeader, (int)length);
            rest = rest[(ChunkHeader + (int)length + ChunkSum)..];
        }
        return [];
    }
}
