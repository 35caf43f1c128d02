using System.Runtime.CompilerServices;
using Stories.Core.Blobs;

namespace Stories.Worker.Auditing;

/// <summary>Containers against the rows of buckets, and the rows against containers.</summary>
internal sealed class ContainerChecks(AuditRows rows, BlobInventory inventory, BucketBlobs blobs, BucketKeys keys)
{
    private const int Page = 500;

    /// <summary>
    /// Its end stands in a container's name, so what is past it may go whatever the rows say. One whose end is still to come is only
    /// told of: the rows may be those of a restored backup, and the stories in it alive.
    /// </summary>
    public async IAsyncEnumerable<Finding> OfNoBucketAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var page = new List<StoredContainer>(Page);
        await foreach (var container in inventory.BucketsAsync(cancellationToken))
        {
            look.Count++;
            page.Add(container);
            if (page.Count < Page) continue;
            await foreach (var finding in OfNoBucketAsync(page, look, cancellationToken)) yield return finding;
            page.Clear();
        }
        await foreach (var finding in OfNoBucketAsync(page, look, cancellationToken)) yield return finding;
    }

    /// <summary>
    /// Only told of, because nothing mends it: the key exists nowhere else but in the memory of hosts that have read it, for as long as they
    /// run. The bucket ends when it was to end; its record would not be true of an earlier time.
    /// </summary>
    public async IAsyncEnumerable<Finding> OpenWithoutKeyAsync(Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (id, container) in rows.ReadAsync(
            "select id, container from buckets where state = 'Open' and ends_at > $1", row => (row.GetGuid(0), row.GetString(1)), cancellationToken, look.Now))
        {
            look.Count++;
            if (await inventory.FindLengthAsync(container, BlobNames.BucketKey, cancellationToken) is null) yield return new Finding($"bucket {id}", null);
        }
    }

    private async IAsyncEnumerable<Finding> OfNoBucketAsync(List<StoredContainer> page, Look look, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var alive = new HashSet<string>();
        await foreach (var name in rows.ReadAsync(
            "select container from buckets where container = any($1) and state <> 'Erased'", row => row.GetString(0), cancellationToken, (object)page.Select(c => c.Name).ToArray()))
            alive.Add(name);
        foreach (var container in page.Where(c => !alive.Contains(c.Name)))
        {
            yield return container.EndsAt <= look.Now
                ? new Finding(container.Name, container.EndsAt, cancel => DeleteAsync(container.Name, cancel))
                : new Finding(container.Name, container.ChangedAt);
        }
    }

    private async Task<bool> DeleteAsync(string container, CancellationToken cancellationToken)
    {
        if (await rows.AnyAsync("select 1 from buckets where container = $1 and state <> 'Erased'", cancellationToken, container)) return false;
        // As when a bucket ends: should something hold on to the container, it then holds only noise.
        keys.Forget(container);
        await blobs.DeleteBlobAsync(container, BlobNames.BucketKey, cancellationToken);
        await blobs.DeleteContainerAsync(container, cancellationToken);
        return !await blobs.ContainerExistsAsync(container, cancellationToken);
    }
}
