using System.Buffers;
using Stories.Age;
using Stories.Protocol;

namespace Stories.Tests.Age;

/// <summary>How the two streams behave as streams: to who blocks, who flushes, and who looks into the pool afterwards.</summary>
public sealed class AgeStreamTests
{
    private const int Chunk = 64 * 1024;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void A_window_that_reads_and_writes_synchronously_does_not_wait_for_itself()
    {
        using var identity = AgeIdentity.Generate();
        var plain = new byte[3 * Chunk];
        using var file = new MemoryStream();
        using var back = new MemoryStream();
        var window = new Window();

        window.Run(() =>
        {
            using var encrypt = new AgeEncryptStream(new SlowWriter(file), [identity.Recipient]);
            encrypt.Write(plain, 0, plain.Length);
            encrypt.CompleteAsync(Cancel).AsTask().GetAwaiter().GetResult();
            file.Position = 0;
            using var decrypt = AgeDecryptStream.OpenAsync(new SlowReader(file), [identity], cancellationToken: Cancel).GetAwaiter().GetResult();
            decrypt.CopyTo(back, 1000);
        });

        Assert.Equal(plain, back.ToArray());
        Assert.Equal(0, window.Posted);
    }

    [Fact]
    public async Task A_flush_comes_after_what_is_on_its_way()
    {
        using var identity = AgeIdentity.Generate();
        var held = new HeldWriter();
        await using var encrypt = new AgeEncryptStream(held, [identity.Recipient]);
        await encrypt.WriteAsync(new byte[Chunk + 1], Cancel);
        var flush = encrypt.FlushAsync(Cancel);
        Assert.Empty(held.Done);
        held.Release();
        await flush;
        Assert.Equal(["written", "flushed"], held.Done);
    }

    [Fact]
    public async Task A_flush_tells_that_what_was_on_its_way_has_failed()
    {
        using var identity = AgeIdentity.Generate();
        var held = new HeldWriter();
        await using var encrypt = new AgeEncryptStream(held, [identity.Recipient]);
        await encrypt.WriteAsync(new byte[Chunk + 1], Cancel);
        held.Fail();
        await Assert.ThrowsAsync<IOException>(() => encrypt.FlushAsync(Cancel));
        Assert.Throws<IOException>(encrypt.Flush);
        Assert.Empty(held.Done);
    }

    [Fact]
    public async Task Nothing_of_a_plaintext_stays_in_the_pool_that_everybody_rents_from()
    {
        using var identity = AgeIdentity.Generate();
        var plain = Enumerable.Repeat((byte)0x5a, 1000).ToArray();
        Clear(plain.Length);
        var file = AgeFile.Encrypt(plain, identity.Recipient);
        AssertClear(plain.Length);

        using (var encrypt = new AgeEncryptStream(Stream.Null, [identity.Recipient])) encrypt.Write(plain.AsSpan());
        AssertClear(plain.Length);

        using var decrypt = await AgeDecryptStream.OpenAsync(new MemoryStream(file), [identity], cancellationToken: Cancel);
        // On this thread, which gets back what it gave last.
        Clear(plain.Length);
        var back = new byte[plain.Length];
        Assert.Equal(plain.Length, decrypt.Read(back.AsSpan()));
        AssertClear(plain.Length);
        Assert.Equal(plain, back);

        static void Clear(int length) => ArrayPool<byte>.Shared.Return(ArrayPool<byte>.Shared.Rent(length), clearArray: true);

        static void AssertClear(int length)
        {
            var rented = ArrayPool<byte>.Shared.Rent(length);
            Assert.DoesNotContain((byte)0x5a, rented);
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>A thread's context whose thread is busy: what is posted to it while it waits would never run. It is counted, and runs elsewhere.</summary>
    private sealed class Window : SynchronizationContext
    {
        private int posted;

        public int Posted => posted;

        public override void Post(SendOrPostCallback d, object? state)
        {
            Interlocked.Increment(ref posted);
            base.Post(d, state);
        }

        public void Run(Action act)
        {
            var before = Current;
            SetSynchronizationContext(this);
            try
            {
                act();
            }
            finally
            {
                SetSynchronizationContext(before);
            }
        }
    }

    /// <summary>Never done at once, as networks and disks are.</summary>
    private sealed class SlowReader(Stream source) : ReadOnlyStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Run(() => { }, cancellationToken).ConfigureAwait(false);
            return await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
    }

    private sealed class SlowWriter(Stream target) : WriteOnlyStream
    {
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Run(() => { }, cancellationToken).ConfigureAwait(false);
            await target.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A header goes through; the chunk after it waits until it is let go.</summary>
    private sealed class HeldWriter : WriteOnlyStream
    {
        private readonly TaskCompletionSource gate = new();
        private bool isHeadWritten;

        public List<string> Done { get; } = [];

        public void Release() => gate.SetResult();

        public void Fail() => gate.SetException(new IOException("The disk is full."));

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!isHeadWritten)
            {
                isHeadWritten = true;
                return;
            }
            await gate.Task;
            Done.Add("written");
        }

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            Done.Add("flushed");
            return Task.CompletedTask;
        }

        public override void Flush() => Done.Add("flushed over it");
    }
}
