using Microsoft.Extensions.Options;
using Microsoft.IO;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Faults;
using Stories.Core.Uploads;
using Stories.Protocol;

namespace Stories.Api.Uploads;

/// <param name="Refusal">Why it ended early; null when the body was taken whole.</param>
/// <param name="Offset">Where the upload stands.</param>
internal readonly record struct Pumped(string? Refusal, long Offset);

/// <summary>
/// Pours a request's body into storage: read into pooled pieces, stage as a block, move the offset, answer; the next block is
/// read while one is being staged. No database connection is held while waiting for the sender.
/// </summary>
internal sealed class BodyPump(
    BufferBudget budget, UploadHolds holds, UploadRows rows, IngestBlobs blobs, UploadCommit commit, IOptions<UploadOptions> options, TimeProvider clock)
{
    private readonly BufferBudget budget = budget;
    private readonly UploadRows rows = rows;
    private readonly IngestBlobs blobs = blobs;
    private readonly UploadOptions options = options.Value;
    private readonly TimeProvider clock = clock;

    public async Task<Pumped> RunAsync(HttpContext context, UploadHold hold, BodyChecksum? checksum)
    {
        using var turn = holds.Enter(hold);
        using var run = new Run(this, hold, checksum, context.RequestAborted, turn.Superseded);
        string? refusal;
        var hasEnded = false;
        try
        {
            refusal = await run.PourAsync(context.Request.Body);
        }
        finally
        {
            // Whoever ended the upload could not know of a block that was still on its way into storage.
            hasEnded = run.HasUnnamedBlocks && !await rows.WasteAsync(hold.Id, run.WastedBytes, clock.GetUtcNow(), CancellationToken.None);
            if (hasEnded) await blobs.DeleteAsync(hold.BlobName, CancellationToken.None);
        }
        if (hasEnded) refusal = ProblemCodes.UploadExpired;
        if (refusal is null && run.Offset == hold.Length && !await commit.CommitAsync(hold.Id, CancellationToken.None)) refusal = ProblemCodes.UploadBytesLost;
        return new Pumped(refusal, run.Offset);
    }

    /// <summary>One body on its way.</summary>
    private sealed class Run(BodyPump pump, UploadHold hold, BodyChecksum? checksum, CancellationToken aborted, CancellationToken superseded) : IDisposable
    {
        private readonly List<StagedBlock> verified = [];
        private Block? filling;
        private Task<string?> staging = Task.FromResult<string?>(null);
        private long received = hold.Offset;
        private int blocks = hold.Blocks;
        private int unnamed;

        public long Offset { get; private set; } = hold.Offset;

        /// <summary>Storage may hold blocks of this body that the database does not name.</summary>
        public bool HasUnnamedBlocks => unnamed > 0;

        /// <summary>What storage has taken of these.</summary>
        public long WastedBytes { get; private set; }

        public async Task<string?> PourAsync(Stream body)
        {
            // Whatever reading met, the block on its way is waited for: its answer is the offset's.
            var refusal = await ReadAllAsync(body);
            refusal = await staging ?? refusal;
            if (refusal is not null || checksum is null) return refusal;
            // With a checksum the offset moves only now, over all blocks at once.
            if (!checksum.IsKept()) return ProblemCodes.UploadChecksumMismatch;
            return verified.Count == 0 ? null : await SwapAsync(verified);
        }

        public void Dispose() => filling?.Dispose();

        private async Task<string?> ReadAllAsync(Stream body)
        {
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(aborted, superseded);
            try
            {
                while (true)
                {
                    filling ??= new Block(pump.budget, pump.clock.GetTimestamp());
                    if (filling.IsOutOfRoom && !filling.TryGrow())
                    {
                        // Others hold the budget: give what we hold before waiting for more, or all would wait for all.
                        if (filling.Length > 0)
                        {
                            if (await HandOverAsync() is { } refused) return refused;
                            continue;
                        }
                        silence.CancelAfter(Timeout.InfiniteTimeSpan);
                        await filling.GrowAsync(silence.Token);
                    }
                    silence.CancelAfter(pump.options.IdleTimeout);
                    var room = (int)Math.Min(hold.Length - received, pump.options.BlockBytes - filling.Length);
                    var read = await body.ReadAsync(filling.Room(Math.Max(1, room)), silence.Token);
                    if (read == 0) break;
                    if (received == hold.Length) return ProblemCodes.UploadTooLarge;
                    checksum?.Append(filling.Unadded(read));
                    filling.Add(read);
                    received += read;
                    // A slow sender's is staged half full: while it fills, the pieces of the buffers in it are nobody else's.
                    if ((filling.Length == pump.options.BlockBytes || filling.IsOld(pump.clock)) && await HandOverAsync() is { } refusal) return refusal;
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The sender is gone or silent: what has come is kept, and a later request goes on from there.
                if (superseded.IsCancellationRequested) return ProblemCodes.UploadSuperseded;
            }
            return filling is { Length: > 0 } ? await HandOverAsync() : null;
        }

        /// <summary>Starts staging what has come once the block before is done; the staging owns it from then on.</summary>
        private async Task<string?> HandOverAsync()
        {
            if (await staging is { } refused) return refused;
            if (++blocks > pump.options.MaxBlocks) return ProblemCodes.UploadTooManyParts;
            staging = StageAndSwapAsync(filling!);
            filling = null;
            return null;
        }

        private async Task<string?> StageAndSwapAsync(Block block)
        {
            using (block)
            {
                var staged = new StagedBlock(BlobNames.NewBlock(), block.Length);
                unnamed++;
                await pump.blobs.StageAsync(hold.BlobName, staged.Id, block.Content, CancellationToken.None);
                WastedBytes += staged.Length;
                CrashPoints.Hit("upload:staged");
                if (checksum is null) return await SwapAsync([staged]);
                verified.Add(staged);
                return null;
            }
        }

        private async Task<string?> SwapAsync(List<StagedBlock> staged)
        {
            if (!await pump.rows.AdvanceAsync(hold, Offset, blocks - staged.Count, staged, pump.clock.GetUtcNow(), CancellationToken.None)) return ProblemCodes.UploadSuperseded;
            var bytes = staged.Sum(b => (long)b.Length);
            unnamed -= staged.Count;
            WastedBytes -= bytes;
            Offset += bytes;
            if (Offset == hold.Length) CrashPoints.Hit("upload:swapped");
            return null;
        }
    }

    /// <summary>Bytes that have come and are not staged yet, charged to the budget.</summary>
    /// <param name="begunAt">By the clock's counter.</param>
    private sealed class Block(BufferBudget budget, long begunAt) : IDisposable
    {
        private static readonly TimeSpan Old = TimeSpan.FromSeconds(10);

        private readonly RecyclableMemoryStream bytes = budget.NewBlock();
        private int pieces;

        public int Length => (int)bytes.Length;

        public bool IsOld(TimeProvider clock) => clock.GetElapsedTime(begunAt) >= Old;

        public bool IsOutOfRoom => bytes.Length == (long)pieces * BufferBudget.PieceBytes;

        public Stream Content
        {
            get
            {
                bytes.Position = 0;
                return bytes;
            }
        }

        public bool TryGrow()
        {
            if (!budget.TryTake()) return false;
            pieces++;
            return true;
        }

        public async Task GrowAsync(CancellationToken cancellationToken)
        {
            await budget.TakeAsync(cancellationToken);
            pieces++;
        }

        public Memory<byte> Room(int wanted)
        {
            var free = (int)((long)pieces * BufferBudget.PieceBytes - bytes.Length);
            var memory = bytes.GetMemory(1);
            return memory[..Math.Min(memory.Length, Math.Min(free, wanted))];
        }

        public ReadOnlySpan<byte> Unadded(int count) => bytes.GetMemory(1).Span[..count];

        public void Add(int count) => bytes.Advance(count);

        public void Dispose()
        {
            bytes.Dispose();
            budget.Give(pieces);
            pieces = 0;
        }
    }
}
