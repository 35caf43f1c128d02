using Microsoft.Extensions.Options;
using Microsoft.IO;
using Stories.Core.Uploads;

namespace Stories.Api.Uploads;

/// <summary>
/// All bytes that uploads hold in this process, in pooled pieces of 128 KiB. A body takes a piece when bytes for it are about
/// to be read and gives all back once they are staged, so a slow sender holds little and many fast ones wait for each other.
/// </summary>
internal sealed class BufferBudget : IDisposable
{
    public const int PieceBytes = 128 * 1024;

    private readonly SemaphoreSlim pieces;
    private readonly RecyclableMemoryStreamManager pool;
    private readonly int total;

    public BufferBudget(IOptions<UploadOptions> options)
    {
        total = (int)(options.Value.BufferBudgetBytes / PieceBytes);
        pieces = new SemaphoreSlim(total, total);
        pool = new RecyclableMemoryStreamManager(new RecyclableMemoryStreamManager.Options
        {
            BlockSize = PieceBytes,
            MaximumSmallPoolFreeBytes = options.Value.BufferBudgetBytes,
            ThrowExceptionOnToArray = true,
        });
    }

    public long HeldBytes => (long)(total - pieces.CurrentCount) * PieceBytes;

    public RecyclableMemoryStream NewBlock() => pool.GetStream();

    public bool TryTake() => pieces.Wait(0);

    public Task TakeAsync(CancellationToken cancellationToken) => pieces.WaitAsync(cancellationToken);

    public void Give(int count)
    {
        if (count > 0) pieces.Release(count);
    }

    public void Dispose() => pieces.Dispose();
}
