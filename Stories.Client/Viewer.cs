using System.Net;
using System.Text;
using Stories.Age;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Client;

/// <summary>A story that this device has opened and found genuine.</summary>
/// <param name="View">As the service gave it.</param>
/// <param name="Manifest">Signed by the author's device.</param>
/// <param name="Payload">Caption and what the author's device said of the media; null when there is none.</param>
/// <param name="Renditions">Signed by the service and bound to the author's manifest; null for a story without media.</param>
public sealed record OpenedStory(StoryView View, StoryManifest Manifest, StoryPayload? Payload, RenditionManifest? Renditions);

/// <summary>Opens stories: checks who signed what before anything is shown, and decrypts on this device.</summary>
public sealed class Viewer(StoriesClient client, DeviceStore store, Audiences audiences) : IDisposable
{
    private readonly HttpClient storage = new();
    private readonly Dictionary<Guid, AgeIdentity> storyIdentities = [];

    /// <summary>Fetches and verifies one story.</summary>
    /// <exception cref="NotGenuineException">A signature, a digest or the end of life is not what it must be.</exception>
    public async Task<OpenedStory> OpenAsync(Guid story, CancellationToken cancellationToken = default)
    {
        if (store.ServiceKey is null) store.PinServiceKey((await client.ListKeysAsync(cancellationToken)).ServiceKey);
        var view = await client.OpenAsync(story, cancellationToken);
        if (view.Story != story) throw new NotGenuineException("The service answered with another story.");
        var manifest = Verify(view);
        using var epoch = await audiences.OpenEpochAsync(view.Audience, view.Epoch, cancellationToken);
        var identity = AgeIdentity.Parse(Encoding.ASCII.GetString(AgeFile.Decrypt(view.KeyEnvelope, epoch)));
        if (identity.Recipient.ToString() != manifest.Recipient) throw new NotGenuineException("The key envelope holds another key than the author signed.");
        storyIdentities[story] = identity;

        var payload = view.Payload is { } sealedPayload ? StoriesJson.ReadCanonical<StoryPayload>(AgeFile.Decrypt(sealedPayload, identity)) : null;
        var renditions = view.RenditionManifest is { } record
            ? VerifyRenditions(view, view.Level == Level.Clear ? record : AgeFile.Decrypt(record, identity))
            : null;
        return new OpenedStory(view, manifest, payload, renditions);
    }

    /// <summary>Downloads one rendition and writes its content, without padding. Nothing counts before the digest is verified at the end.</summary>
    /// <param name="opened">From <see cref="OpenAsync"/>.</param>
    /// <param name="rendition">One of its renditions.</param>
    /// <param name="destination">Receives <c>rendition.ContentLength</c> bytes.</param>
    /// <param name="cancellationToken">Ends the download.</param>
    public async Task DownloadAsync(OpenedStory opened, RenditionEntry rendition, Stream destination, CancellationToken cancellationToken = default)
    {
        using var response = await FetchAsync(opened.View, rendition.Part, cancellationToken);
        await using var body = new DigestedStream(await response.Content.ReadAsStreamAsync(cancellationToken));
        var content = new FirstBytes(destination, rendition.ContentLength);
        if (opened.View.Level == Level.Clear)
        {
            await body.CopyToAsync(content, cancellationToken);
        }
        else
        {
            await using var decrypt = await AgeDecryptStream.OpenAsync(body, [storyIdentities[opened.View.Story]], cancellationToken: cancellationToken);
            await decrypt.CopyToAsync(content, cancellationToken);
        }
        if (body.Finish() != rendition.Blob) throw new NotGenuineException("The rendition is not the one that the service signed.");
        if (content.Missing > 0) throw new NotGenuineException("The rendition is shorter than its manifest says.");
    }

    /// <summary>Wipes the stories' keys.</summary>
    public void Dispose()
    {
        storage.Dispose();
        foreach (var identity in storyIdentities.Values) identity.Dispose();
    }

    /// <summary>A URL lives about two minutes; a refused one is asked for again, once.</summary>
    private async Task<HttpResponseMessage> FetchAsync(StoryView view, int part, CancellationToken cancellationToken)
    {
        var response = await storage.GetAsync(UrlOf(view, part), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.NotFound)
        {
            response.Dispose();
            var again = await client.OpenAsync(view.Story, cancellationToken);
            response = await storage.GetAsync(UrlOf(again, part), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        return response.EnsureSuccessStatusCode();
    }

    private static string UrlOf(StoryView view, int part) =>
        view.Renditions.FirstOrDefault(r => r.Part == part)?.Url ?? throw new NotGenuineException("The service has no URL for this rendition.");

    internal static StoryManifest Verify(StoryView view)
    {
        if (!Signatures.Verify(view.SignerKey, SignaturePurpose.StoryManifest, view.Manifest, view.Signature)) throw new NotGenuineException("The author's signature does not hold.");
        if (StoriesJson.ReadCanonical<StoryManifest>(view.Manifest) is not { } manifest ||
            (manifest.Story, manifest.Author, manifest.Audience, manifest.Epoch, manifest.Level) != (view.Story, view.Author, view.Audience, view.Epoch, view.Level))
            throw new NotGenuineException("The author signed something else than the service shows.");
        if (view.ExpiresAt > DateTimeOffset.FromUnixTimeSeconds(manifest.CreatedAt + manifest.Lifetime) + Limits.ExpiryTolerance)
            throw new NotGenuineException("The service shows the story longer than its author wanted.");
        if (manifest.Payload != (view.Payload is { } payload ? Digest.Of(payload) : null)) throw new NotGenuineException("The payload is not the one that the author signed.");
        return manifest;
    }

    private RenditionManifest VerifyRenditions(StoryView view, byte[] record)
    {
        if (StoriesJson.ReadCanonical<SignedRecord>(record) is not { } signedRecord ||
            !Signatures.Verify(store.ServiceKey, SignaturePurpose.RenditionManifest, signedRecord.Bytes, signedRecord.Signature))
            throw new NotGenuineException("The service's signature on the renditions does not hold.");
        if (StoriesJson.ReadCanonical<RenditionManifest>(signedRecord.Bytes) is not { } manifest || manifest.Story != view.Story || manifest.Revision != view.Revision ||
            manifest.AuthorManifest != Digest.Of(view.Manifest).Sha256) throw new NotGenuineException("The renditions were made for another story.");
        return manifest;
    }

    /// <summary>Passes on the content and drops the padding behind it.</summary>
    private sealed class FirstBytes(Stream target, long length) : WriteOnlyStream
    {
        public long Missing { get; private set; } = length;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var taken = (int)Math.Min(buffer.Length, Missing);
            await target.WriteAsync(buffer[..taken], cancellationToken);
            Missing -= taken;
        }
    }
}
