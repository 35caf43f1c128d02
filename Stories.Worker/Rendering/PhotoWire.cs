using System.Buffers.Binary;
using System.Text;

namespace Stories.Worker.Rendering;

/// <summary>A photo rendition as it comes out of the render child, which says neither what it is called nor as what it is served.</summary>
public sealed record RenderedPhoto(bool IsLarge, bool IsAvif, int Width, int Height, byte[] Bytes)
{
    public string Name => (IsLarge ? "photo-1080" : "photo-540") + (IsAvif ? "-avif" : "");
    public string MediaType => IsAvif ? "image/avif" : "image/webp";
}

/// <summary>One picture of an animation, as a JPEG.</summary>
/// <param name="Delay">How long it is shown, in milliseconds.</param>
public sealed record RenderedFrame(int Delay, int Width, int Height, byte[] Bytes);

/// <param name="Photos">Largest first; none of an animation.</param>
/// <param name="Preview">A tiny WebP picture; empty of an animation.</param>
/// <param name="Frames">Of an animation, else none.</param>
/// <param name="Look">When it was asked for: 9 × 8 grey pixels, by the row; else empty.</param>
/// <param name="Edges">With the look: percent of pixels on a sharp edge where an app lays its own things, at the top and at the bottom.</param>
public sealed record RenderedPhotos(IReadOnlyList<RenderedPhoto> Photos, byte[] Preview, IReadOnlyList<RenderedFrame> Frames, byte[] Look, byte[] Edges);

/// <summary>How a photo is to be rendered.</summary>
/// <param name="IsUpright">Whatever it says of its orientation has been done.</param>
/// <param name="WithAvif">As AVIF too.</param>
/// <param name="WithLook">With what it looks like from far away.</param>
/// <param name="Colors">What it came in said of them.</param>
/// <param name="IsPremultiplied">Its colours have been multiplied by its alpha channel.</param>
public sealed record PhotoOrder(bool IsUpright = false, bool WithAvif = false, bool WithLook = false, CodePoints Colors = default, bool IsPremultiplied = false);

/// <summary>What the render child may be asked for.</summary>
public sealed record PhotoLimits(long Pixels, int Side, int Pages);

/// <summary>
/// Between the worker and its render child: length-prefixed blocks over two pipes. First the worker sends limits, and the child
/// says that it is ready; then an order and a file for an answer. The child is not trusted once it has seen a file: everything that it says
/// is bounded and checked.
/// </summary>
internal static class PhotoWire
{
    private const int MaxFile = 512 << 20;
    private const int MaxOrder = 6;

    /// <summary>As much as the frames of a lively animation can come to; photos are far smaller.</summary>
    private const int MaxAnswer = 96 << 20;
    private const int MaxPhotos = 4;
    private const int MaxSide = 1920;
    private const int MaxPreview = 16 << 10;
    public const int LookBytes = 72;
    public const int EdgeBytes = 2;
    private const int MaxFrames = 10_000;

    public static ReadOnlyMemory<byte> Ready { get; } = "stories-render-child"u8.ToArray();

    public static async Task WriteBlockAsync(Stream stream, ReadOnlyMemory<byte> block, CancellationToken cancellationToken)
    {
        await WriteLengthAsync(stream, block.Length, cancellationToken);
        await stream.WriteAsync(block, cancellationToken);
        await stream.FlushAsync(cancellationToken);
    }

    /// <summary>From disk to pipe, piece by piece: the worker never holds a photo.</summary>
    public static async Task WriteFileAsync(Stream stream, PhotoOrder order, string path, CancellationToken cancellationToken)
    {
        await WriteBlockAsync(stream, new[] { Flag(order.IsUpright), Flag(order.WithAvif), Flag(order.WithLook), order.Colors.Primaries, order.Colors.Transfer, Flag(order.IsPremultiplied) }, cancellationToken);
        await using var file = File.OpenRead(path);
        await WriteLengthAsync(stream, checked((int)file.Length), cancellationToken);
        await file.CopyToAsync(stream, cancellationToken);
        await stream.FlushAsync(cancellationToken);
    }

    /// <returns>Null at the stream's end.</returns>
    public static async Task<(PhotoOrder Order, byte[] File)?> ReadFileAsync(Stream stream, CancellationToken cancellationToken) =>
        await ReadBlockAsync(stream, MaxOrder, cancellationToken) is [var isUpright, var withAvif, var withLook, var primaries, var transfer, var isPremultiplied] && await ReadBlockAsync(stream, MaxFile, cancellationToken) is { } file
            ? (new PhotoOrder(isUpright != 0, withAvif != 0, withLook != 0, new CodePoints(primaries, transfer), isPremultiplied != 0), file)
            : null;

    /// <returns>Null at the stream's end.</returns>
    public static Task<byte[]?> ReadAnswerAsync(Stream stream, CancellationToken cancellationToken) => ReadBlockAsync(stream, MaxAnswer, cancellationToken);

    public static byte[] WriteAnswer(string refusal) => WriteAnswer(refusal, new RenderedPhotos([], [], [], [], []));

    public static byte[] WriteAnswer(RenderedPhotos rendered) => WriteAnswer("", rendered);

    /// <exception cref="InvalidDataException">It is no answer.</exception>
    public static (string? Refusal, RenderedPhotos Rendered) ReadAnswer(byte[] answer)
    {
        using var reader = new BinaryReader(new MemoryStream(answer), Encoding.UTF8);
        try
        {
            var refusal = reader.ReadString();
            var photos = new RenderedPhoto[Bounded(reader.ReadInt32(), MaxPhotos)];
            for (var i = 0; i < photos.Length; i++)
                photos[i] = new RenderedPhoto(reader.ReadBoolean(), reader.ReadBoolean(), Within(1, reader.ReadInt32(), MaxSide), Within(1, reader.ReadInt32(), MaxSide), ReadBytes(reader));
            if (photos.DistinctBy(p => p.Name).Count() < photos.Length) throw new InvalidDataException("Two photos of one name.");
            var preview = ReadBytes(reader, MaxPreview);
            var frames = new RenderedFrame[Bounded(reader.ReadInt32(), MaxFrames)];
            for (var i = 0; i < frames.Length; i++)
                frames[i] = new RenderedFrame(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(), ReadBytes(reader));
            return (refusal.Length > 0 ? refusal : null, new RenderedPhotos(photos, preview, frames, ReadBytes(reader, LookBytes), ReadBytes(reader, EdgeBytes)));
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException)
        {
            throw new InvalidDataException("An answer that cannot be read.", e);
        }
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

    private static byte[] WriteAnswer(string refusal, RenderedPhotos rendered)
    {
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory, Encoding.UTF8);
        writer.Write(refusal);
        writer.Write(rendered.Photos.Count);
        foreach (var photo in rendered.Photos)
        {
            writer.Write(photo.IsLarge);
            writer.Write(photo.IsAvif);
            writer.Write(photo.Width);
            writer.Write(photo.Height);
            WriteBytes(writer, photo.Bytes);
        }
        WriteBytes(writer, rendered.Preview);
        writer.Write(rendered.Frames.Count);
        foreach (var frame in rendered.Frames)
        {
            writer.Write(frame.Delay);
            writer.Write(frame.Width);
            writer.Write(frame.Height);
            WriteBytes(writer, frame.Bytes);
        }
        WriteBytes(writer, rendered.Look);
        WriteBytes(writer, rendered.Edges);
        writer.Flush();
        return memory.ToArray();
    }

    private static byte Flag(bool isSet) => isSet ? (byte)1 : (byte)0;

    private static void WriteBytes(BinaryWriter writer, byte[] bytes)
    {
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    private static byte[] ReadBytes(BinaryReader reader, int most = MaxAnswer)
    {
        var stream = reader.BaseStream;
        return reader.ReadBytes(Bounded(reader.ReadInt32(), Math.Min(most, (int)(stream.Length - stream.Position))));
    }

    private static int Bounded(int number, int most) => Within(0, number, most);

    private static int Within(int least, int number, int most) => number >= least && number <= most ? number : throw new InvalidDataException("A number is out of range.");

    private static async Task WriteLengthAsync(Stream stream, int length, CancellationToken cancellationToken)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, length);
        await stream.WriteAsync(bytes, cancellationToken);
    }

    private static async Task<byte[]?> ReadBlockAsync(Stream stream, int most, CancellationToken cancellationToken)
    {
        var length = new byte[4];
        if (await stream.ReadAtLeastAsync(length, 4, throwOnEndOfStream: false, cancellationToken) < 4) return null;
        var block = new byte[Bounded(BinaryPrimitives.ReadInt32LittleEndian(length), most)];
        await stream.ReadExactlyAsync(block, cancellationToken);
        return block;
    }
}
