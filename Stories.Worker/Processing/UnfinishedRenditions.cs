using Stories.Age;
using Stories.Core.Blobs;
using Stories.Core.Media;
using Stories.Protocol;
using Stories.Worker.Keys;

namespace Stories.Worker.Processing;

/// <summary>
/// What a story has while more is to be made, kept in its row for whichever worker goes on. It tells of content, so that it is
/// encrypted to the processing key of the story's uploads: only a worker opens it, and only as long as it could open those.
/// </summary>
public sealed class UnfinishedRenditions(BucketKeys keys, ProcessingKeyRing ring)
{
    /// <exception cref="ClaimLostException">The bucket ended.</exception>
    /// <exception cref="MediaRefusedException">The processing key is destroyed.</exception>
    public async Task<byte[]> SealAsync(StoryClaim claim, Guid processingKey, RenditionManifest renditions, CancellationToken cancellationToken)
    {
        var (bucketKey, identity) = await OpenKeysAsync(claim, processingKey, cancellationToken);
        using (identity) return bucketKey.Wrap(claim.Story, SealedField.Unfinished, AgeFile.Encrypt(StoriesJson.Write(renditions), identity.Recipient));
    }

    /// <returns>Null when nothing is made yet.</returns>
    /// <exception cref="ClaimLostException">The bucket ended.</exception>
    /// <exception cref="MediaRefusedException">The processing key is destroyed.</exception>
    public async Task<RenditionManifest?> OpenAsync(StoryClaim claim, Guid processingKey, CancellationToken cancellationToken)
    {
        if (claim.Unfinished is not { } wrapped) return null;
        var (bucketKey, identity) = await OpenKeysAsync(claim, processingKey, cancellationToken);
        using (identity) return StoriesJson.ReadCanonical<RenditionManifest>(AgeFile.Decrypt(bucketKey.Unwrap(claim.Story, SealedField.Unfinished, wrapped), identity))!;
    }

    private async Task<(BucketKeys.BucketKey BucketKey, AgeIdentity Identity)> OpenKeysAsync(StoryClaim claim, Guid processingKey, CancellationToken cancellationToken) => (
        await keys.FindAsync(claim.Container, claim.BucketEndsAt, cancellationToken) ?? throw new ClaimLostException(),
        await ring.OpenAsync(processingKey, cancellationToken) ?? throw new MediaRefusedException(ProblemCodes.MediaNotDecryptable));
}
