using Stories.Core.Media;
using Stories.Protocol;

namespace Stories.Worker.Keys;

/// <summary>Passes on at most so many bytes.</summary>
internal sealed class BoundedStream(Stream target, long limit) : WriteOnlyStream
{
    private long written;

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        (written += buffer.Length) > limit ? throw new MediaRefusedException(MediaCodes.Limit) : target.WriteAsync(buffer, cancellationToken);
}
