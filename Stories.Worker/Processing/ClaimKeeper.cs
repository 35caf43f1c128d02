using Npgsql;
using Stories.Protocol;

namespace Stories.Worker.Processing;

/// <summary>
/// Keeps a claim while its work goes on: renews the lease, shows the author how far it is, and ends the work when the claim is
/// lost, so that a withdrawn story's decoder is gone within seconds.
/// </summary>
internal sealed class ClaimKeeper : IAsyncDisposable
{
    /// <summary>Also how often progress is written. A photo is done before the first one.</summary>
    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    private readonly StoryClaims claims;
    private readonly StoryClaim claim;
    private readonly TimeProvider clock;
    private readonly CancellationTokenSource work;
    private readonly Task beating;

    public ClaimKeeper(StoryClaims claims, StoryClaim claim, TimeProvider clock, CancellationToken cancellationToken)
    {
        (this.claims, this.claim, this.clock) = (claims, claim, clock);
        Percent = claim.Percent;
        work = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        beating = BeatAsync();
    }

    /// <summary>Cancelled when the worker stops or the claim is lost.</summary>
    public CancellationToken Token => work.Token;

    public bool IsLost { get; private set; }
    public Stage Stage { get; set; } = Stage.Decrypting;

    /// <summary>Of the whole story; it never goes back.</summary>
    public int Percent { get; set => field = Math.Max(field, value); }

    public async ValueTask DisposeAsync()
    {
        await work.CancelAsync();
        await beating;
        work.Dispose();
    }

    private async Task BeatAsync()
    {
        var leaseEnds = clock.GetUtcNow() + StoryClaims.Lease;
        using var timer = new PeriodicTimer(Beat, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(work.Token))
            {
                try
                {
                    var from = clock.GetUtcNow();
                    IsLost = !await claims.RenewAsync(claim, Stage, Percent, work.Token);
                    leaseEnds = from + StoryClaims.Lease;
                }
                catch (NpgsqlException)
                {
                    // The database may be back for the next beat; when the lease runs out before that, another may begin.
                    IsLost = clock.GetUtcNow() >= leaseEnds;
                }
                if (IsLost)
                {
                    await work.CancelAsync();
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The work is over.
        }
    }
}
