using Stories.Protocol;

namespace Stories.Client;

/// <summary>
/// Tells how much was read through it, and that it is as much as was announced: a file that somebody writes to meanwhile must
/// not go out half old and half new, with a length that does not fit.
/// </summary>
internal sealed class CountedStream(Stream source, long announced, Action<long> progress) : ReadOnlyStream
{
    private long total;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await source.ReadAsync(buffer, cancellationToken);
        total += read;
        if (total > announced || (read == 0 && buffer.Length > 0 && total < announced)) throw new IOException("The file changed while it was read.");
        progress(total);
        return read;
    }
}
