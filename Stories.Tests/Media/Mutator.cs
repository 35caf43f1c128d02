using System.Text;

namespace Stories.Tests.Media;

/// <summary>
/// Spoils files the way that finds faults in decoders. The same file, donor and seed give the same mutant on every machine and
/// in every release of .NET: a mutant that did harm is written again from its name.
/// </summary>
internal sealed class Mutator(uint seed)
{
    /// <summary>Where most formats keep what they say of themselves.</summary>
    private const int Head = 1024;
    private const int MostBlock = 512;

    /// <summary>What programs count wrong: nothing, signs, and the ends of the number ranges.</summary>
    private static readonly byte[][] Numbers =
    [
        [0], [1], [0x7f], [0x80], [0xff],
        [0, 0], [0x7f, 0xff], [0x80, 0], [0xff, 0xff],
        [0, 0, 0, 0], [0, 0, 0, 1], [0x7f, 0xff, 0xff, 0xff], [0x80, 0, 0, 0], [0xff, 0xff, 0xff, 0xff],
        [0, 0, 0, 0, 0, 0, 0, 0], [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];

    /// <summary>Before or behind each of these stands a length or a number of things (MP4, PNG, RIFF, JPEG, GIF, Matroska).</summary>
    private static readonly byte[][] Landmarks =
    [
        .. new[]
        {
            "ftyp", "moov", "mvhd", "trak", "tkhd", "edts", "elst", "mdia", "mdhd", "hdlr", "minf", "stbl", "stsd", "stts", "stss", "stsc", "stsz", "stco", "ctts", "avcC", "hvcC", "av1C", "esds", "mdat",
            "meta", "iloc", "iinf", "infe", "iref", "ipco", "ipma", "ispe", "irot", "colr", "IHDR", "PLTE", "tRNS", "iCCP", "zTXt", "eXIf", "IDAT", "VP8X", "VP8L", "VP8 ", "ALPH", "ANIM", "ANMF", "EXIF",
        }.Select(Encoding.Latin1.GetBytes),
        [0xff, 0xc0], [0xff, 0xc2], [0xff, 0xc4], [0xff, 0xda], [0xff, 0xdb], [0xff, 0xe1], [0xff, 0xe2], [0x21, 0xf9], [0x2c, 0, 0],
        [0x1a, 0x45, 0xdf, 0xa3], [0x18, 0x53, 0x80, 0x67], [0x16, 0x54, 0xae, 0x6b], [0x1f, 0x43, 0xb6, 0x75], [0x1c, 0x53, 0xbb, 0x6b], [0x44, 0x89], [0x63, 0xa2],
    ];

    private uint state = Mixed(seed);

    /// <param name="donor">Another file, of which a piece may come in.</param>
    public byte[] Mutate(byte[] whole, byte[] donor)
    {
        var mutant = whole.ToList();
        for (var changes = 1 + Next(6); changes > 0 && mutant.Count > 64; changes--) Change(mutant, donor);
        return [.. mutant];
    }

    private void Change(List<byte> mutant, byte[] donor)
    {
        switch (Next(12))
        {
            case 0 or 1:
                var bit = Place(mutant.Count);
                mutant[bit] ^= (byte)(1 << Next(8));
                break;
            case 2 or 3:
                Put(mutant, Place(mutant.Count), Numbers[Next(Numbers.Length)]);
                break;
            case 4 or 5 or 6:
                NudgeLength(mutant);
                break;
            case 7:
                var gap = Place(mutant.Count);
                mutant.RemoveRange(gap, Math.Min(1 + Next(MostBlock), mutant.Count - gap));
                break;
            case 8:
                mutant.InsertRange(Place(mutant.Count), Piece([.. mutant]));
                break;
            case 9:
                Put(mutant, Place(mutant.Count), Piece([.. mutant]));
                break;
            case 10:
                Put(mutant, Place(mutant.Count), Piece(donor));
                break;
            default:
                // Rarely, because little is left to be looked at.
                var end = 16 + Next(mutant.Count - 16);
                if (Next(3) == 0) mutant.RemoveRange(end, mutant.Count - end);
                else mutant.InsertRange(Place(mutant.Count), Piece(donor));
                break;
        }
    }

    /// <summary>The four bytes before a landmark or up to twelve behind it, a little or a lot too large or small.</summary>
    private void NudgeLength(List<byte> mutant)
    {
        var bytes = mutant.ToArray();
        var present = Landmarks.Where(mark => bytes.AsSpan().IndexOf(mark) >= 0).ToList();
        if (present.Count == 0) return;
        var mark = present[Next(present.Count)];
        var at = bytes.AsSpan().IndexOf(mark) + (Next(2) == 0 ? -4 : mark.Length + Next(3) * 4);
        if (at < 0 || at + 4 > mutant.Count) return;
        if (Next(2) == 0) Put(mutant, at, Numbers[Next(Numbers.Length)]);
        else mutant[at + 3] += (byte)(Next(2) == 0 ? 1 + Next(16) : -1 - Next(16));
    }

    private byte[] Piece(byte[] source)
    {
        var length = Math.Min(source.Length, 1 + Next(MostBlock));
        var from = Next(source.Length - length + 1);
        return source[from..(from + length)];
    }

    /// <summary>Three in four in the head or in the tail, where indexes are; never in the first bytes, which say what the file is.</summary>
    private int Place(int length)
    {
        var near = Math.Min(Head, length);
        var place = Next(8) switch
        {
            < 4 => Next(near),
            < 6 => length - 1 - Next(near),
            _ => Next(length),
        };
        return Math.Max(Math.Min(12, length - 1), place);
    }

    private static void Put(List<byte> mutant, int at, byte[] part)
    {
        for (var i = 0; i < part.Length && at + i < mutant.Count; i++) mutant[at + i] = part[i];
    }

    /// <summary>xorshift32 (George Marsaglia, 2003).</summary>
    private int Next(int below)
    {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        return (int)(state % (uint)below);
    }

    /// <summary>Seeds that follow each other must not give numbers that do.</summary>
    private static uint Mixed(uint seed)
    {
        seed = (seed ^ seed >> 16) * 0x7feb352d;
        seed = (seed ^ seed >> 15) * 0x846ca68b;
        return (seed ^ seed >> 16) | 1;
    }
}
