using System.Net;
using System.Text.Json;
using Stories.Age;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Client;

/// <summary>A story that this device has opened and found genuine. Disposing it wipes its key; it cannot be downloaded then.</summary>
public sealed class OpenedStory : IDisposable
{
    internal OpenedStory(StoryView view, StoryManifest manifest, StoryPayload? payload, RenditionManifest? renditions, AgeIdentity identity)
    {
        View = view;
        Manifest = manifest;
        Payload = payload;
        Renditions = renditions;
        Identity = identity;
    }

    /// <summary>As the service gave it.</summary>
    public StoryView View { get; }

    /// <summary>Signed by the author's device.</summary>
    public StoryManifest Manifest { get; }

    /// <summary>Caption and what the author's device said of the media; null when there is none.</summary>
    public StoryPayload? Payload { get; }

    /// <summary>Signed by the service and bound to the author's manifest; null for a story without media.</summary>
    public RenditionManifest? Renditions { get; }

    /// <summary>The story's own.</summary>
    internal AgeIdentity Identity { get; }

    /// <inheritdoc/>
    public void Dispose() => Identity.Dispose();
}

/// <summary>A story that the viewer may see and this device cannot open: it was registered after the audience's key was given out.</summary>
public sealed class KeyMissingException : Exception
{
    internal KeyMissingException(string message, Exception cause) : base(message, cause)
    {
    }
}

/// <summary>Opens stories: checks who signed what before anything is shown, and decrypts on this device.</summary>
public sealed class Viewer : IDisposable
{
    private readonly StoriesClient client;
    private readonly DeviceStore store;
    private readonly Audiences audiences;
    private readonly HttpClient storage;
    private readonly TimeProvider time;

    /// <summary>Makes a viewer on a device.</summary>
    /// <param name="client">Speaks for the viewer.</param>
    /// <param name="store">The viewer's device.</param>
    /// <param name="audiences">Gives the keys of the audiences in which the viewer is.</param>
    /// <param name="transport">Fetches from storage, without the viewer's token, and is disposed with the viewer; null makes one.</param>
    /// <param name="time">Measures storage's silence; null is the system's.</param>
    public Viewer(StoriesClient client, DeviceStore store, Audiences audiences, HttpMessageHandler? transport = null, TimeProvider? time = null)
    {
        this.client = client;
        this.store = store;
        this.audiences = audiences;
        this.time = time ?? TimeProvider.System;
        storage = new HttpClient(transport ?? new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Who has live stories for the viewer.</summary>
    public Task<TrayView> ShowTrayAsync(CancellationToken cancellationToken = default) => client.ShowTrayAsync(cancellationToken);

    /// <summary>Fetches and verifies one story.</summary>
    /// <param name="story">Its id.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    /// <returns>The caller's to dispose.</returns>
    /// <exception cref="NotGenuineException">A signature, a digest, a key or the end of life is not what it must be.</exception>
    /// <exception cref="KeyMissingException">The viewer may see it, but its key was never given to this device.</exception>
    /// <exception cref="StoriesProblemException"><c>notFound</c>: there is no such story for this viewer, or no more.</exception>
    public async Task<OpenedStory> OpenAsync(Guid story, CancellationToken cancellationToken = default)
    {
        if (store.ServiceKey is null) store.PinServiceKey((await client.ListKeysAsync(cancellationToken)).ServiceKey);
        var view = await client.OpenAsync(story, cancellationToken);
        if (view.Story != story) throw new NotGenuineException("The service answered with another story.");
        var manifest = Verify(view);
        using var epoch = await OpenEpochAsync(view, cancellationToken);
        var identity = Envelope.Open(view.KeyEnvelope, epoch, manifest.Recipient, "The story's key envelope");
        try
        {
            return new OpenedStory(view, manifest, OpenPayload(view, identity), OpenRenditions(view, manifest, identity), identity);
        }
        catch
        {
            identity.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Downloads one rendition and writes its content as it comes, without padding. What was written counts only when this
    /// returns: digest and length are verified at the end.
    /// </summary>
    /// <param name="opened">From <see cref="OpenAsync"/>.</param>
    /// <param name="rendition">One of its renditions.</param>
    /// <param name="destination">Receives <c>rendition.ContentLength</c> bytes; stays open.</param>
    /// <param name="cancellationToken">Ends the download.</param>
    /// <exception cref="NotGenuineException">The bytes are not those that the service signed.</exception>
    /// <exception cref="StoriesProblemException"><c>notFound</c>: the story has ended meanwhile.</exception>
    /// <exception cref="HttpRequestException">Storage cannot be reached, cuts the connection, sends nothing for 100 s, or refuses the URL twice.</exception>
    /// <exception cref="IOException">The destination cannot be written.</exception>
    public async Task DownloadAsync(OpenedStory opened, RenditionEntry rendition, Stream destination, CancellationToken cancellationToken = default)
    {
        using var response = await FetchAsync(opened.View, rendition.Part, cancellationToken);
        await using var fetched = new FetchedStream(await response.Content.ReadAsStreamAsync(cancellationToken), rendition.Blob.Length, time);
        await using var body = new DigestedReadStream(fetched);
        var content = new FirstBytes(destination, rendition.ContentLength);
        if (opened.View.Level == Level.Clear) await body.CopyToAsync(content, cancellationToken);
        else await DecryptAsync(body, content, opened.Identity, cancellationToken);
        if (body.Finish() != rendition.Blob) throw new NotGenuineException("The rendition is not the one that the service signed.");
        if (content.Missing > 0) throw new NotGenuineException("The rendition is shorter than its manifest says.");
    }

    /// <summary>Closes the connections to storage.</summary>
    public void Dispose() => storage.Dispose();

    private async Task<AgeIdentity> OpenEpochAsync(StoryView view, CancellationToken cancellationToken)
    {
        try
        {
            return await audiences.OpenEpochAsync(view.Audience, view.Epoch, cancellationToken);
        }
        catch (StoriesProblemException e) when (e.Code == ProblemCodes.NotFound)
        {
            throw new KeyMissingException("This device was not there yet when the story was posted, and has no key for it; what its author posts next it can open.", e);
        }
    }

    private static async Task DecryptAsync(Stream body, Stream content, AgeIdentity identity, CancellationToken cancellationToken)
    {
        try
        {
            await AgeFile.DecryptAsync(body, content, [identity], limits: null, cancellationToken);
        }
        catch (AgeException e)
        {
            throw new NotGenuineException($"The rendition cannot be decrypted: {e.Message}", e);
        }
    }

    /// <summary>A URL lives about two minutes; a refused one is asked for again, once.</summary>
    private async Task<HttpResponseMessage> FetchAsync(StoryView view, int part, CancellationToken cancellationToken)
    {
        var response = await AskAsync(UrlOf(view, part), cancellationToken);
        if (response.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.NotFound)
        {
            response.Dispose();
            var again = await client.OpenAsync(view.Story, cancellationToken);
            response = await AskAsync(UrlOf(again, part), cancellationToken);
        }
        if (response.IsSuccessStatusCode) return response;
        using (response) throw new HttpRequestException($"Storage answered {(int)response.StatusCode}.", null, response.StatusCode);
    }

    private Task<HttpResponseMessage> AskAsync(Uri url, CancellationToken cancellationToken) =>
        Deadline.KeepAsync(until => storage.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, until), time, cancellationToken);

    private static Uri UrlOf(StoryView view, int part) =>
        view.Renditions.FirstOrDefault(r => r.Part == part) is { Url: var url } && Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw new NotGenuineException("The service has no URL for this rendition.");

    private static StoryManifest Verify(StoryView view)
    {
        if (!Signatures.Verify(view.SignerKey, SignaturePurpose.StoryManifest, view.Manifest, view.Signature)) throw new NotGenuineException("The author's signature does not hold.");
        if (StoriesJson.ReadCanonical<StoryManifest>(view.Manifest) is not { Uploads: not null } manifest ||
            (manifest.Story, manifest.Author, manifest.Audience, manifest.Epoch, manifest.Level) != (view.Story, view.Author, view.Audience, view.Epoch, view.Level))
            throw new NotGenuineException("The author signed something else than the service shows.");
        // In a type that no number of an author's choosing can overflow.
        if (view.ExpiresAt.ToUnixTimeSeconds() > (Int128)manifest.CreatedAt + manifest.Lifetime + (long)Limits.ExpiryTolerance.TotalSeconds)
            throw new NotGenuineException("The service shows the story longer than its author wanted.");
        if (manifest.Payload != (view.Payload is { } payload ? Digest.Of(payload) : null)) throw new NotGenuineException("The payload is not the one that the author signed.");
        return manifest;
    }

    /// <summary>Its bytes are signed by the author; its form is the author's client's affair, as long as it can be read.</summary>
    private static StoryPayload? OpenPayload(StoryView view, AgeIdentity identity)
    {
        if (view.Payload is not { } sealedPayload) return null;
        try
        {
            return JsonSerializer.Deserialize<StoryPayload>(Envelope.Decrypt(sealedPayload, identity, "The payload"), StoriesJson.Options);
        }
        catch (JsonException e)
        {
            throw new NotGenuineException("The payload cannot be read.", e);
        }
    }

    private RenditionManifest? OpenRenditions(StoryView view, StoryManifest story, AgeIdentity identity)
    {
        if (view.RenditionManifest is not { } record)
            return story.Uploads.Count == 0 ? null : throw new NotGenuineException("The service keeps back the media that the author posted.");
        if (view.Level != Level.Clear) record = Envelope.Decrypt(record, identity, "The rendition manifest");
        if (StoriesJson.ReadCanonical<SignedRecord>(record) is not { } signedRecord ||
            !Signatures.Verify(store.ServiceKey, SignaturePurpose.RenditionManifest, signedRecord.Bytes, signedRecord.Signature))
            throw new NotGenuineException("The service's signature on the renditions does not hold.");
        if (StoriesJson.ReadCanonical<RenditionManifest>(signedRecord.Bytes) is not { Renditions: not null } manifest || !manifest.Renditions.All(r => r is not null && r.IsWhole()))
            throw new NotGenuineException("The renditions are not what any could be.");
        return manifest.Story == view.Story && manifest.Revision == view.Revision && manifest.AuthorManifest == Digest.Of(view.Manifest).Sha256
            ? manifest
            : throw new NotGenuineException("The renditions were made for another story.");
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

    /// <summary>
    /// Storage that never stops sending must not fill the viewer's disk, and one that stops in between is not waited for. Only what storage does is its
    /// trouble: who pauses a player may take hours to write.
    /// </summary>
    private sealed class FetchedStream(Stream source, long limit, TimeProvider time) : ReadOnlyStream
    {
        private long total;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await ReadSomeAsync(buffer, cancellationToken);
            return (total += read) <= limit ? read : throw new NotGenuineException("The rendition is longer than its manifest says.");
        }

        private async Task<int> ReadSomeAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            try
            {
                return await Deadline.KeepAsync(until => source.ReadAsync(buffer, until).AsTask(), time, cancellationToken);
            }
            catch (IOException e)
            {
                throw new HttpRequestException(HttpRequestError.ResponseEnded, "Storage has cut the connection.", e);
            }
        }
    }
}
