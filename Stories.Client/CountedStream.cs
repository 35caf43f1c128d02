using Stories.Protocol;

namespace Stories.Client;

/// <summary>Tells how much was read through it.</summary>
internal sealed class CountedStream(Stream source, Action<long> progress) : ReadOnlyStream
{
    private long total;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await source.ReadAsync(buffer, cancellationToken);
        progress(total += read);
        return read;
    }
}
