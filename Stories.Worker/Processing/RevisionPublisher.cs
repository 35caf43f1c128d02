using System.Security.Cryptography;
using Npgsql;
using Stories.Age;
using Stories.Core.Blobs;
using Stories.Protocol;
using Stories.Worker.Keys;
using Stories.Worker.Media;

namespace Stories.Worker.Processing;

/// <summary>The bucket ended, the story was withdrawn, or another worker took over: nothing was published.</summary>
public sealed class ClaimLostException : Exception;

/// <param name="Entry">As it stands in the manifest.</param>
/// <param name="MediaType">At level clear.</param>
public sealed record StoredRendition(RenditionEntry Entry, string BlobName, string? MediaType, TimeSpan? Duration);

/// <summary>Seals renditions, stores them, and makes a revision of them visible in one transaction.</summary>
public sealed class RevisionPublisher(NpgsqlDataSource database, BucketBlobs blobs, BucketKeys keys, ServiceSigner signer, TimeProvider clock)
{
    private const string Sealed = "application/octet-stream";

    /// <summary>Neither who nor what. Chosen before a blob is written, so that one whose writing was cut off is known too.</summary>
    public static string NewName() => BlobNames.NewBlob();

    /// <summary>Pads and encrypts to the story (level clear: leaves as it is), and uploads.</summary>
    /// <exception cref="ClaimLostException">The bucket's container is gone.</exception>
    public async Task<StoredRendition> StoreAsync(
        StoryClaim claim, StoryManifest manifest, RenderedFile file, string blob, int part, int upload, CancellationToken cancellationToken)
    {
        var contentLength = new FileInfo(file.Path).Length;
        var isClear = claim.Level == Level.Clear;
        var path = isClear ? file.Path : file.Path + ".age";
        var digest = isClear
            ? await DigestAsync(path, cancellationToken)
            : await SealAsync(file.Path, contentLength, AgeRecipient.Parse(manifest.Recipient), path, cancellationToken);
        await using (var content = File.OpenRead(path))
        {
            if (!await blobs.WriteAsync(claim.Container, blob, content, isClear ? file.MediaType : Sealed, cancellationToken)) throw new ClaimLostException();
        }
        // Scratch is memory.
        File.Delete(path);
        return new StoredRendition(
            new RenditionEntry(part, upload, file.Name, file.MediaType, file.Codecs, file.Width, file.Height, (long?)file.Duration?.TotalMilliseconds, contentLength, digest, file.Segment),
            blob, file.MediaType, file.Duration);
    }

    /// <summary>
    /// One transaction: the bucket is open (and stays so until it ends), the claim is ours, the story has not ended.
    /// </summary>
    /// <param name="renditions">Every one so far; those in <paramref name="added"/> are new.</param>
    /// <param name="unfinished">From which the next revision is made; null when there will be none.</param>
    /// <param name="percent">Of the whole story.</param>
    /// <exception cref="ClaimLostException">Nothing was published.</exception>
    public async Task PublishAsync(
        StoryClaim claim, StoryManifest manifest, RenditionManifest renditions, IReadOnlyList<StoredRendition> added, byte[]? unfinished, int percent, CancellationToken cancellationToken)
    {
        if (await keys.FindAsync(claim.Container, claim.BucketEndsAt, cancellationToken) is not { } key) throw new ClaimLostException();
        var record = StoriesJson.Write(signer.Sign(SignaturePurpose.RenditionManifest, StoriesJson.Write(renditions)));
        var sealedRecord = claim.Level == Level.Clear ? record : AgeFile.Encrypt(record, AgeRecipient.Parse(manifest.Recipient));
        var wrapped = key.Wrap(claim.Story, SealedField.RenditionManifest, sealedRecord);

        if (!await CommitAsync(claim, renditions.Revision, added, wrapped, unfinished, percent, cancellationToken)) throw new ClaimLostException();
    }

    /// <summary>
    /// Deletes what was stored and not published. A commit whose answer was lost may have been one: the row's lock waits for a
    /// commit still in doubt, then the rows say which blobs are somebody's.
    /// </summary>
    public async Task DiscardUnpublishedAsync(StoryClaim claim, IReadOnlyList<string> names)
    {
        if (names.Count == 0) return;
        var published = new HashSet<string>();
        try
        {
            await using var batch = database.CreateBatch();
            Add(batch, "select 1 from stories where id = $1 for update", claim.Story);
            Add(batch, "select blob_name from renditions where story_id = $1 and blob_name = any($2)", claim.Story, names.ToArray());
            await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
            await reader.NextResultAsync(CancellationToken.None);
            while (await reader.ReadAsync(CancellationToken.None)) published.Add(reader.GetString(0));
        }
        catch (NpgsqlException)
        {
            // Nobody can say now; what is nobody's goes with the container.
            return;
        }
        foreach (var name in names.Where(n => !published.Contains(n))) await blobs.DeleteBlobAsync(claim.Container, name, CancellationToken.None);
    }

    /// <returns>False when the claim is lost.</returns>
    private async Task<bool> CommitAsync(
        StoryClaim claim, int revision, IReadOnlyList<StoredRendition> added, byte[] manifest, byte[]? unfinished, int percent, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection, transaction);
        Add(batch, "select 1 from buckets where id = $1 and state = 'Open' for share", claim.Bucket);
        Add(batch, """
            update stories set state = 'Live', revision = $3, rendition_manifest = $4, unfinished = $7, claimed_until = $6, percent = $8
            where id = $1 and started_at = $2 and work = 'Pending' and revision = $3 - 1 and expires_at > $5
            returning 1
            """, claim.Story, claim.StartedAt, revision, manifest, now, now + StoryClaims.Lease, (object?)unfinished ?? DBNull.Value, percent);
        foreach (var rendition in added)
        {
            Add(batch, """
                insert into renditions (story_id, part, bucket_id, revision, blob_name, length, media_type, duration) values ($1, $2, $3, $4, $5, $6, $7, $8)
                """, claim.Story, rendition.Entry.Part, claim.Bucket, revision, rendition.BlobName, rendition.Entry.Blob.Length,
                claim.Level == Level.Clear ? rendition.MediaType! : DBNull.Value, claim.Level == Level.Clear && rendition.Duration is { } duration ? duration : DBNull.Value);
        }
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            var isOpen = await reader.ReadAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            var isOurs = await reader.ReadAsync(cancellationToken);
            // Disposing the transaction undoes what the rest of the batch did.
            if (!isOpen || !isOurs) return false;
        }
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private static async Task<Digest> SealAsync(string path, long contentLength, AgeRecipient recipient, string sealedPath, CancellationToken cancellationToken)
    {
        await using var plain = File.OpenRead(path);
        await using var target = PlainFile.Create(sealedPath);
        await using var digesting = new DigestedWriteStream(target);
        await using var encrypt = new AgeEncryptStream(digesting, [recipient]);
        await Padding.WritePaddedAsync(plain, contentLength, encrypt, cancellationToken);
        await encrypt.CompleteAsync(cancellationToken);
        return digesting.Finish();
    }

    private static async Task<Digest> DigestAsync(string path, CancellationToken cancellationToken)
    {
        await using var content = File.OpenRead(path);
        return new Digest(Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken)), content.Length);
    }

    private static void Add(NpgsqlBatch batch, string sql, params object[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        batch.BatchCommands.Add(command);
    }
}
