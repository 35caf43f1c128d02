using System.Runtime.CompilerServices;
using Stories.Core.Blobs;

namespace Stories.Worker.Auditing;

/// <summary>Containers of creatives against their rows, and the rows against containers.</summary>
internal sealed class CreativeChecks(AuditRows rows, BlobInventory inventory, BucketBlobs blobs)
{
    /// <summary>For longer than any attempt, and any two machines' clocks, can be at odds.</summary>
    private static readonly TimeSpan LeftFor = TimeSpan.FromDays(1);

    /// <summary>A row names a container before it is made, so one without a row was made by an attempt that had lost its claim, and died.</summary>
    public async IAsyncEnumerable<Finding> OfNoCreativeAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (name, madeAt) in inventory.CreativesAsync(cancellationToken))
        {
            look.Count++;
            if (await IsNamedAsync(name, cancellationToken)) continue;
            yield return madeAt + LeftFor > look.Now
                ? new Finding(name, madeAt)
                : new Finding(name, madeAt, async cancel =>
                {
                    if (await IsNamedAsync(name, cancel)) return false;
                    await blobs.DeleteContainerAsync(name, cancel);
                    return !await blobs.ContainerExistsAsync(name, cancel);
                });
        }
    }

    /// <summary>Only told of: nothing brings them back. Its owner makes another.</summary>
    public async IAsyncEnumerable<Finding> WithoutContainerAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var there = new HashSet<string>();
        await foreach (var (name, _) in inventory.CreativesAsync(cancellationToken)) there.Add(name);
        await foreach (var (id, container) in rows.ReadAsync(
            "select id, container from creatives where state in ('Ready', 'InReview', 'Approved', 'Suspended') and erased_at is null and container is not null",
            row => (row.GetGuid(0), row.GetString(1)), cancellationToken))
        {
            look.Count++;
            if (!there.Contains(container) && !await blobs.ContainerExistsAsync(container, cancellationToken)) yield return new Finding($"creative {id}", null);
        }
    }

    private Task<bool> IsNamedAsync(string container, CancellationToken cancellationToken) => rows.AnyAsync("select 1 from creatives where container = $1", cancellationToken, container);
}
