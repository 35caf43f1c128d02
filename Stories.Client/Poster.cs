using System.Security.Cryptography;
using System.Text;
using Stories.Age;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Client;

/// <summary>What an author wants to post.</summary>
/// <param name="Files">Paths of photos and videos, in the order in which they are shown; up to 10.</param>
/// <param name="Level">Who can read the bytes: <see cref="Level.Processed"/> or <see cref="Level.Clear"/>.</param>
/// <param name="Lifetime">1 minute to 48 hours.</param>
/// <param name="Audience">As the owner calls it.</param>
/// <param name="Caption">Encrypted like everything else.</param>
public sealed record Draft(IReadOnlyList<string> Files, Level Level, TimeSpan Lifetime, string Audience, string? Caption);

/// <summary>How far a post is.</summary>
public enum PostStep
{
    /// <summary>Padding and encrypting on this device.</summary>
    Encrypting,

    /// <summary>Ciphertext on its way.</summary>
    Uploading,

    /// <summary>The service makes renditions.</summary>
    Transcoding,
}

/// <summary>Posts stories: pads and encrypts here, uploads, signs, publishes, and follows the service's progress.</summary>
public sealed class Poster(StoriesClient client, DeviceStore store, Audiences audiences, UserName self, TimeProvider clock)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    /// <summary>Posts and returns as soon as the service has accepted.</summary>
    /// <param name="draft">What to post.</param>
    /// <param name="progress">Step and percent.</param>
    /// <param name="cancellationToken">Ends the post; nothing is published before the last step.</param>
    /// <exception cref="NotGenuineException">No processing key is signed by the pinned service key.</exception>
    public async Task<StoryProgress> PostAsync(Draft draft, Action<PostStep, int> progress, CancellationToken cancellationToken = default)
    {
        var (story, request) = await PrepareAsync(draft, progress, cancellationToken);
        return await client.PublishAsync(story, request, cancellationToken);
    }

    /// <summary>Everything up to publishing: encrypts, uploads and signs. The request stays good for two minutes.</summary>
    /// <param name="draft">What to post.</param>
    /// <param name="progress">Step and percent.</param>
    /// <param name="cancellationToken">Ends the preparation.</param>
    /// <returns>The story's id and the signed request that publishes it, as often as need be.</returns>
    public async Task<(Guid Story, PublishRequest Request)> PrepareAsync(Draft draft, Action<PostStep, int> progress, CancellationToken cancellationToken = default)
    {
        await audiences.RegisterAsync(cancellationToken);
        var audience = await audiences.FindOrFoundAsync(draft.Audience, cancellationToken);
        using var storyIdentity = AgeIdentity.Generate();
        var uploads = new List<Guid>();
        var digests = new List<Digest>();
        var media = new List<PayloadMedia>();
        foreach (var file in draft.Files)
        {
            var (lane, mediaType) = MediaGuess.Of(file);
            media.Add(new PayloadMedia(mediaType, new FileInfo(file).Length));
            var (id, digest) = await UploadAsync(file, lane, draft.Level, progress, cancellationToken);
            uploads.Add(id);
            digests.Add(digest);
        }

        var story = Guid.NewGuid();
        var payload = AgeFile.Encrypt(StoriesJson.Write(new StoryPayload(draft.Caption, media)), storyIdentity.Recipient);
        var envelope = AgeFile.Encrypt(Encoding.ASCII.GetBytes(storyIdentity.ExportSecret()), AgeRecipient.Parse(audience.Recipient));
        var manifest = StoriesJson.Write(new StoryManifest(
            story, self.ToString(), store.Id, audience.Id, audience.Epoch, draft.Level, storyIdentity.Recipient.ToString(),
            clock.GetUtcNow().ToUnixTimeSeconds(), (int)draft.Lifetime.TotalSeconds, digests, Digest.Of(payload)));
        return (story, new PublishRequest(manifest, store.SigningKey.Sign(SignaturePurpose.StoryManifest, manifest), uploads, envelope, payload));
    }

    /// <summary>Waits until the service has made all renditions, or has refused the media.</summary>
    /// <returns>The last progress: <see cref="StoryState.Live"/> or <see cref="StoryState.Rejected"/> with a code.</returns>
    public async Task<StoryProgress> FollowAsync(StoryProgress start, Action<PostStep, int> progress, bool untilLive = false, CancellationToken cancellationToken = default)
    {
        for (var at = start; ; at = await client.WatchProgressAsync(start.Story, cancellationToken))
        {
            progress(PostStep.Transcoding, at.Stage == Stage.Done ? 100 : at.Percent);
            if (at.Stage == Stage.Done || (untilLive && at.State == StoryState.Live)) return at;
            await Task.Delay(Poll, TimeProvider.System, cancellationToken);
        }
    }

    private async Task<(Guid Upload, Digest Digest)> UploadAsync(string file, Lane lane, Level level, Action<PostStep, int> progress, CancellationToken cancellationToken)
    {
        var key = await ProcessingKeyAsync(cancellationToken);
        // The manifest signs the ciphertext's digest and a resumed upload must send the same bytes: so it rests in a file,
        // which holds nothing that this device could read back.
        await using var ciphertext = new FileStream(Path.GetTempFileName(), new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,
            Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous,
        });
        await EncryptAsync(file, AgeRecipient.Parse(key.Recipient), ciphertext, percent => progress(PostStep.Encrypting, percent), cancellationToken);
        ciphertext.Position = 0;
        var digest = new Digest(Convert.ToHexStringLower(await SHA256.HashDataAsync(ciphertext, cancellationToken)), ciphertext.Length);
        var id = await new TusUpload(client.Http).SendAsync(
            ciphertext, lane, level, key.Id, sent => progress(PostStep.Uploading, (int)(sent * 100 / digest.Length)), cancellationToken);
        return (id, digest);
    }

    private async Task<ProcessingKeyEntry> ProcessingKeyAsync(CancellationToken cancellationToken)
    {
        var list = await client.ListKeysAsync(cancellationToken);
        store.PinServiceKey(list.ServiceKey);
        foreach (var entry in list.ProcessingKeys)
        {
            if (Signatures.Verify(store.ServiceKey, SignaturePurpose.ProcessingKey, entry.Bytes, entry.Signature) &&
                StoriesJson.ReadCanonical<ProcessingKeyEntry>(entry.Bytes) is { } key && clock.GetUtcNow().ToUnixTimeSeconds() < key.NotAfter) return key;
        }
        throw new NotGenuineException("No processing key is signed by the service's pinned key.");
    }

    private static async Task EncryptAsync(string file, AgeRecipient recipient, Stream ciphertext, Action<int> percent, CancellationToken cancellationToken)
    {
        await using var plain = File.OpenRead(file);
        await using var counted = new CountedStream(plain, read => percent(plain.Length == 0 ? 100 : (int)(read * 100 / plain.Length)));
        await using var encrypt = new AgeEncryptStream(ciphertext, [recipient]);
        await Padding.WritePaddedAsync(counted, plain.Length, encrypt, cancellationToken);
        await encrypt.CompleteAsync(cancellationToken);
    }
}
