using System.Buffers.Binary;
using System.Text;

namespace Stories.Worker.Rendering;

/// <summary>A photo rendition as it comes out of the render child.</summary>
public sealed record RenderedPhoto(string Name, int Width, int Height, byte[] Bytes);

/// <summary>What the render child may be asked for.</summary>
public sealed record PhotoLimits(long Pixels, int Side, int Pages);

/// <summary>
/// Between the worker and its render child: length-prefixed blocks over two pipes. The child is not trusted once it has seen
/// a file: everything that it says is bounded.
/// </summary>
internal static class PhotoWire
{
    public const int MaxBlock = 256 << 20;

    public static async Task WriteBlockAsync(Stream stream, ReadOnlyMemory<byte> block, CancellationToken cancellationToken)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, block.Length);
        await stream.WriteAsync(length, cancellationToken);
        await stream.WriteAsync(block, cancellationToken);
    }

    /// <returns>Null at the stream's end.</returns>
    public static async Task<byte[]?> ReadBlockAsync(Stream stream, CancellationToken cancellationToken)
    {
        var length = new byte[4];
        if (await stream.ReadAtLeastAsync(length, 4, throwOnEndOfStream: false, cancellationToken) < 4) return null;
        var bytes = BinaryPrimitives.ReadInt32LittleEndian(length);
        if (bytes is < 0 or > MaxBlock) throw new InvalidDataException("A block's length is out of range.");
        var block = new byte[bytes];
        await stream.ReadExactlyAsync(block, cancellationToken);
        return block;
    }

    public static byte[] WriteAnswer(string? refusal, IReadOnlyList<RenderedPhoto> photos)
    {
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory, Encoding.UTF8);
        writer.Write(refusal ?? "");
        writer.Write(photos.Count);
        foreach (var photo in photos)
        {
            writer.Write(photo.Name);
            writer.Write(photo.Width);
            writer.Write(photo.Height);
            writer.Write(photo.Bytes.Length);
            writer.Write(photo.Bytes);
        }
        writer.Flush();
        return memory.ToArray();
    }

    public static (string? Refusal, IReadOnlyList<RenderedPhoto> Photos) ReadAnswer(byte[] answer)
    {
        using var reader = new BinaryReader(new MemoryStream(answer), Encoding.UTF8);
        var refusal = reader.ReadString();
        var count = reader.ReadInt32();
        if (count is < 0 or > 8) throw new InvalidDataException("Too many photos in an answer.");
        var photos = new List<RenderedPhoto>(count);
        for (var i = 0; i < count; i++)
            photos.Add(new RenderedPhoto(reader.ReadString(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadBytes(reader.ReadInt32())));
        return (refusal.Length > 0 ? refusal : null, photos);
    }

    public static byte[] WriteLimits(PhotoLimits limits)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, limits.Pixels);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), limits.Side);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), limits.Pages);
        return bytes;
    }

    public static PhotoLimits ReadLimits(byte[] bytes) => new(
        BinaryPrimitives.ReadInt64LittleEndian(bytes), BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8)), BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(12)));
}
