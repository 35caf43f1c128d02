using Stories.Worker.Rendering;

namespace Stories.Worker.Media;

/// <param name="HasAlpha">An alpha channel.</param>
/// <param name="IsPremultiplied">Its colours have been multiplied by that.</param>
/// <param name="Colors">What its numbers mean.</param>
public readonly record struct HeifPicture(bool HasAlpha, bool IsPremultiplied, CodePoints Colors);

/// <summary>
/// The index of a HEIC or AVIF file ('meta': ISO 14496-12, section 8.11, and ISO 23008-12), rewritten in place for libheif 1.15. That one refuses
/// an item that belongs to two pictures, as iPhones since iOS 18 write them beside a tone map, and takes every picture that is not hidden
/// for one to be shown. What cannot be read here is left as it is: the decoder decides.
/// </summary>
internal static class HeifIndex
{
    /// <summary>A photo of 48 megapixels in tiles has one of 10 KB.</summary>
    private const int Most = 1 << 20;

    private const int VersionAndFlags = 4;

    /// <param name="tidy">Rewrite it: for a decoder that is newer nothing has to be changed.</param>
    /// <returns>What is said of the picture to be shown.</returns>
    public static async Task<HeifPicture> ReadAsync(string path, bool tidy, CancellationToken cancellationToken)
    {
        // A decoder that had another file of this story may have put a link in its place.
        PlainFile.Check(path);
        await using var file = new FileStream(path, FileMode.Open, tidy ? FileAccess.ReadWrite : FileAccess.Read);
        return await ReadAsync(file, tidy, cancellationToken);
    }

    /// <inheritdoc cref="ReadAsync(string, bool, CancellationToken)"/>
    public static async Task<HeifPicture> ReadAsync(Stream file, bool tidy, CancellationToken cancellationToken)
    {
        var (at, length) = await Mp4Boxes.FindAsync(file, "meta", cancellationToken);
        if (length > Most) return default;
        var index = new byte[length];
        file.Position = at;
        await file.ReadExactlyAsync(index, cancellationToken);
        var picture = Tidy(index);
        if (!tidy) return picture;
        file.Position = at;
        await file.WriteAsync(index, cancellationToken);
        return picture;
    }

    private static HeifPicture Tidy(Span<byte> index)
    {
        var boxes = From(index, VersionAndFlags);
        var pointer = Find(boxes, "pitm"u8);
        var primary = Number(pointer, VersionAndFlags, Version(pointer) == 0 ? 2 : 4);
        // No item has the number 0.
        if (primary == 0) return default;
        HideAllBut(primary, Find(boxes, "iinf"u8));
        var related = LoosenReferences(primary, Find(boxes, "iref"u8));
        return Read(related, Find(boxes, "iprp"u8));
    }

    /// <summary>Hidden items are still there for those that are made of them.</summary>
    private static void HideAllBut(uint primary, Span<byte> items)
    {
        var rest = From(items, VersionAndFlags + (Version(items) == 0 ? 2 : 4));
        while (TryTake(ref rest, out var name, out var item))
        {
            // Of other versions no item is a picture.
            var width = Version(item) switch { 2 => 2, 3 => 4, _ => 0 };
            if (width > 0 && name.SequenceEqual("infe"u8) && item.Length >= VersionAndFlags + width && Number(item, VersionAndFlags, width) != primary) item[VersionAndFlags - 1] |= 1;
        }
    }

    private static Related LoosenReferences(uint primary, Span<byte> references)
    {
        var (tiles, companions, premultiplied) = (new HashSet<uint>(), new HashSet<uint>(), new HashSet<uint>());
        var wide = Version(references) == 0 ? 2 : 4;
        var rest = From(references, VersionAndFlags);
        while (TryTake(ref rest, out var name, out var reference))
        {
            var (from, count, first) = (Number(reference, 0, wide), Number(reference, wide, 2), wide + 2);
            if (name.SequenceEqual("dimg"u8) && from == primary)
                for (var at = first; count > 0 && at < reference.Length; count--, at += wide) tiles.Add(Number(reference, at, wide));
            if (name.SequenceEqual("prem"u8) && from == primary) premultiplied.Add(Number(reference, first, wide));
            var isAuxiliary = name.SequenceEqual("auxl"u8);
            // Exif and XMP, which nobody here is to read: libheif stumbles over damaged ones.
            var isDescription = name.SequenceEqual("cdsc"u8);
            if (!isAuxiliary && !isDescription && !name.SequenceEqual("thmb"u8)) continue;
            // A reference of a kind that nobody knows is passed over.
            if (isDescription || count > 1) "free"u8.CopyTo(name);
            else if (isAuxiliary && Number(reference, first, wide) == primary) companions.Add(from);
        }
        return new Related(primary, tiles, companions, companions.Overlaps(premultiplied));
    }

    private static HeifPicture Read(Related related, Span<byte> properties)
    {
        var (own, tiles, beside) = (PropertiesOf([related.Primary], properties), PropertiesOf(related.Tiles, properties), PropertiesOf(related.Companions, properties));
        var (hasAlpha, colors, ofTiles) = (false, default(CodePoints), default(CodePoints));
        var rest = Find(properties, "ipco"u8);
        for (var number = 1u; TryTake(ref rest, out var name, out var property); number++)
        {
            if (beside.Contains(number) && name.SequenceEqual("auxC"u8) && IsAlpha(From(property, VersionAndFlags))) hasAlpha = true;
            // Four letters, then three numbers of two bytes: primaries, transfer, matrix.
            if (!name.SequenceEqual("colr"u8) || !property.StartsWith("nclx"u8)) continue;
            var said = new CodePoints((byte)Number(property, 5, 1), (byte)Number(property, 7, 1));
            if (own.Contains(number)) colors = said;
            if (tiles.Contains(number)) ofTiles = said;
        }
        return new HeifPicture(hasAlpha, related.IsPremultiplied, colors == default ? ofTiles : colors);
    }

    /// <returns>By their number in the list of properties, which begins with 1.</returns>
    private static HashSet<uint> PropertiesOf(HashSet<uint> items, Span<byte> properties)
    {
        var found = new HashSet<uint>();
        while (TryTake(ref properties, out var name, out var associations))
            if (name.SequenceEqual("ipma"u8)) Collect(items, associations, found);
        return found;
    }

    private static void Collect(HashSet<uint> items, ReadOnlySpan<byte> associations, HashSet<uint> found)
    {
        var (item, property) = (Version(associations) == 0 ? 2 : 4, (Number(associations, 3, 1) & 1) == 0 ? 1 : 2);
        // The first bit says whether a reader has to know the property.
        var mask = property == 1 ? 0x7fu : 0x7fff;
        for (var at = VersionAndFlags + 4; at < associations.Length;)
        {
            var isWanted = items.Contains(Number(associations, at, item));
            at += item;
            for (var left = Number(associations, at++, 1); left > 0; left--, at += property)
                if (isWanted) found.Add(Number(associations, at, property) & mask);
        }
    }

    private static bool IsAlpha(ReadOnlySpan<byte> kind) =>
        kind.StartsWith("urn:mpeg:hevc:2015:auxid:1\0"u8) || kind.StartsWith("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"u8);

    /// <returns>What is in the first box of this name; nothing when there is none.</returns>
    private static Span<byte> Find(Span<byte> boxes, ReadOnlySpan<byte> wanted)
    {
        while (TryTake(ref boxes, out var name, out var content))
            if (name.SequenceEqual(wanted)) return content;
        return [];
    }

    private static bool TryTake(scoped ref Span<byte> boxes, out Span<byte> name, out Span<byte> content)
    {
        name = content = [];
        var (length, header) = Mp4Boxes.Measure(boxes, boxes.Length);
        if (length < header || length > boxes.Length) return false;
        name = boxes.Slice(4, 4);
        content = boxes[header..(int)length];
        boxes = boxes[(int)length..];
        return true;
    }

    private static uint Version(ReadOnlySpan<byte> content) => Number(content, 0, 1);

    /// <returns>Zero behind the end.</returns>
    private static uint Number(ReadOnlySpan<byte> bytes, int at, int width)
    {
        var number = 0u;
        if (at + width > bytes.Length) return number;
        foreach (var part in bytes.Slice(at, width)) number = number << 8 | part;
        return number;
    }

    private static Span<byte> From(Span<byte> bytes, int at) => bytes[Math.Min(at, bytes.Length)..];

    /// <param name="Primary">The picture to be shown.</param>
    /// <param name="Tiles">What it is made of.</param>
    /// <param name="Companions">What is auxiliary to it, and to no other.</param>
    /// <param name="IsPremultiplied">By one of these.</param>
    private sealed record Related(uint Primary, HashSet<uint> Tiles, HashSet<uint> Companions, bool IsPremultiplied);
}
