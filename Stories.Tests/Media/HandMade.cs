using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Stories.Tests.Media;

/// <summary>Files byte by byte, where no encoder would make what we need.</summary>
internal static class HandMade
{
    public static byte[] Join(params IEnumerable<byte[]> parts) => [.. parts.SelectMany(part => part)];

    public static byte[] Repeated(int count, byte[] part) => Join(Enumerable.Repeat(part, count));

    public static byte[] Text(string words) => Encoding.Latin1.GetBytes(words);

    public static byte[] Large16(params IEnumerable<int> numbers) => Join(numbers.Select(number => (byte[])[(byte)(number >> 8), (byte)number]));

    public static byte[] Large32(params IEnumerable<long> numbers) => Join(numbers.Select(number => (byte[])[(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number]));

    public static byte[] Little16(params IEnumerable<int> numbers) => Join(numbers.Select(number => (byte[])[(byte)number, (byte)(number >> 8)]));

    public static byte[] Little32(params IEnumerable<long> numbers) => Join(numbers.Select(number => (byte[])[(byte)number, (byte)(number >> 8), (byte)(number >> 16), (byte)(number >> 24)]));

    public static byte[] Overwrite(byte[] whole, int at, byte[] part) => [.. whole[..at], .. part, .. whole[(at + part.Length)..]];

    // ISO 14496-12, section 4.2.
    public static byte[] Box(string name, params IEnumerable<byte[]> parts)
    {
        var content = Join(parts);
        return [.. Large32(content.Length + 8), .. Text(name), .. content];
    }

    /// <summary>With another brand in place of its first.</summary>
    public static byte[] Branded(byte[] boxes, string brand) => Overwrite(boxes, 8, Text(brand));

    /// <summary>Puts another in place of each box at a path such as "moov/trak/tkhd", and makes those around it fit.</summary>
    public static byte[] Edit(byte[] boxes, string path, Func<byte[], byte[]> edit)
    {
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        var (name, rest) = slash < 0 ? (path, null) : (path[..slash], path[(slash + 1)..]);
        var edited = new List<byte[]>();
        for (var at = 0; at + 8 <= boxes.Length;)
        {
            var box = boxes[at..(at + BinaryPrimitives.ReadInt32BigEndian(boxes.AsSpan(at)))];
            at += box.Length;
            // This one has a version before what is in it.
            var head = name == "meta" ? 12 : 8;
            if (Encoding.Latin1.GetString(box, 4, 4) == name) box = rest is null ? edit(box) : Box(name, box[8..head], Edit(box[head..], rest, edit));
            edited.Add(box);
        }
        return Join(edited);
    }

    // ISO 23008-12: a picture that is the first of its items.
    public static byte[] Heif(string brand, IReadOnlyList<(string Kind, byte[] Body)> items, byte[][] properties, byte[][] references)
    {
        var start = Box("ftyp", Text(brand), Large32(0), Text(brand + "mif1"));
        byte[] Index(int offset) => Box("meta", Large32(0),
            Box("hdlr", Large32(0, 0), Text("pict"), Large32(0, 0, 0), [0]),
            Box("pitm", Large32(0), Large16(1)),
            Box("iloc", Large32(0), [0x44, 0], Large16(items.Count), Join(items.Select((item, i) => Join(
                Large16(i + 1, 0, 1), Large32(offset + items.Take(i).Sum(before => before.Body.Length), item.Body.Length))))),
            Box("iinf", Large32(0), Large16(items.Count), Join(items.Select((item, i) => Box("infe", Large32(0x2000000), Large16(i + 1, 0), Text(item.Kind), [0])))),
            Box("iref", [Large32(0), .. references]),
            Box("iprp", Box("ipco", properties), Box("ipma", Large32(0, items.Count), Join(items.Select((_, i) =>
                Join(Large16(i + 1), [(byte)properties.Length], properties.Select((_, p) => (byte)(p + 1)).ToArray()))))));
        return Join(start, Index(start.Length + Index(0).Length + 8), Box("mdat", items.Select(item => item.Body)));
    }

    // Matroska (RFC 9559): sizes of eight bytes, or unknown.
    public static byte[] Element(long id, params IEnumerable<byte[]> parts)
    {
        var content = Join(parts);
        return [.. ElementId(id), 0x01, 0, 0, 0, .. Large32(content.Length)[..4], .. content];
    }

    public static byte[] EndlessElement(long id, params IEnumerable<byte[]> parts) => [.. ElementId(id), 0xff, .. Join(parts)];

    // RFC 9649 and its kin.
    public static byte[] Riff(string name, params IEnumerable<byte[]> parts)
    {
        var content = Join(parts);
        return [.. Text(name), .. Little32(content.Length), .. content, .. new byte[content.Length % 2]];
    }

    // RFC 2083.
    public static byte[] Png(int width, int height, byte depth, byte type, byte[] pixels, params byte[][] others) => Join(
        [0x89], Text("PNG\r\n\x1a\n"), Chunk("IHDR", Large32(width, height), [depth, type, 0, 0, 0]), Join(others), Chunk("IDAT", pixels), Chunk("IEND"));

    public static byte[] Chunk(string name, params IEnumerable<byte[]> parts)
    {
        var body = Join(parts.Prepend(Text(name)));
        var check = uint.MaxValue;
        foreach (var value in body)
        {
            check ^= value;
            for (var bit = 0; bit < 8; bit++) check = (check & 1) == 1 ? check >> 1 ^ 0xedb88320 : check >> 1;
        }
        return Join(Large32(body.Length - 4), body, Large32(~check));
    }

    /// <summary>So many zeros in a thousandth of their size.</summary>
    public static byte[] Deflated(long zeros)
    {
        using var packed = new MemoryStream();
        using (var deflate = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            var block = new byte[1 << 20];
            for (; zeros > 0; zeros -= block.Length) deflate.Write(block, 0, (int)Math.Min(block.Length, zeros));
        }
        return packed.ToArray();
    }

    /// <summary>GIF89a, one dot a picture.</summary>
    public static byte[] Gif(int width, int height, int pictures) => Join(
        Text("GIF89a"), Little16(width, height), [0x80, 0, 0, 0, 0, 0, 255, 255, 255],
        Repeated(pictures, Join([0x21, 0xf9, 4, 4], Little16(2), [0, 0, 0x2c], Little16(0, 0, 1, 1), [0, 2, 2, 0x44, 0x01, 0])), [0x3b]);

    /// <summary>A segment of a JPEG (ITU T.81, section B.1.1.4).</summary>
    public static byte[] Segment(byte marker, params IEnumerable<byte[]> parts)
    {
        var content = Join(parts);
        return [0xff, marker, .. Large16(content.Length + 2), .. content];
    }

    private static byte[] ElementId(long id) => [.. Large32(id).SkipWhile(part => part == 0)];
}
