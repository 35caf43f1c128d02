using System.Diagnostics;
using System.Security.Cryptography;
using Stories.Age;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Client;

/// <summary>What an author wants to post.</summary>
/// <param name="Files">Paths of photos and videos, in the order in which they are shown; up to 10, none for words alone.</param>
/// <param name="Level">Who can read the bytes: <see cref="Level.Processed"/> or <see cref="Level.Clear"/>.</param>
/// <param name="Lifetime">1 minute to 48 hours, in whole seconds.</param>
/// <param name="Audience">As the owner calls it; founded when it is missing.</param>
/// <param name="Caption">Encrypted like everything else; with the rest of the payload at most 64 KiB.</param>
/// <param name="Wishes">What renditions to make beside the usual; null for the usual.</param>
public sealed record Draft(IReadOnlyList<string> Files, Level Level, TimeSpan Lifetime, string Audience, string? Caption, RenderWishes? Wishes = null)
{
    /// <summary>Everything that the service would refuse only after the files have been uploaded.</summary>
    internal string? FindFault() => this switch
    {
        { Files.Count: 0, Caption: null } => "A story needs a file or a caption.",
        { Files.Count: > Limits.UploadsPerStory } => $"A story has at most {Limits.UploadsPerStory} files.",
        { Level: Level.EndToEnd } => "Media is posted at the levels processed and clear.",
        _ when Lifetime < Limits.MinLifetime || Lifetime > Limits.MaxLifetime => "A story lives between 1 minute and 48 hours.",
        _ => null,
    };
}

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
/// <param name="client">Speaks for the author.</param>
/// <param name="store">The author's device, whose key signs.</param>
/// <param name="audiences">The author's audiences.</param>
/// <param name="self">The author.</param>
/// <param name="clock">Gives the manifest's time, which the service takes within two minutes of its own.</param>
public sealed class Poster(StoriesClient client, DeviceStore store, Audiences audiences, UserName self, TimeProvider clock)
{
    private static readonly TimeSpan LeastPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MostPause = TimeSpan.FromSeconds(1);

    /// <summary>What is refused for its time sooner than this after it was signed was signed by a wrong clock, and would be again.</summary>
    private static readonly TimeSpan Stale = TimeSpan.FromSeconds(10);

    /// <summary>How far this device's clock may be behind the service's.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Posts and returns as soon as the service has accepted. Each request has eight tries, which is half a minute without a service, a quarter of an hour with one
    /// that stays silent, and where it asks to wait at most 30 s more for each. When this throws, nothing is published: uploads are ended and, in case an acceptance was
    /// lost on its way, the story is withdrawn. That holds as far as the service can be reached for it, and for words alone as long as no request overtakes another. Who
    /// must know uses <see cref="PrepareAsync"/>, which says the story's id beforehand.
    /// </summary>
    /// <param name="draft">What to post.</param>
    /// <param name="progress">Step and percent of all files together.</param>
    /// <param name="cancellationToken">Ends the post, and takes back what has gone out.</param>
    /// <returns>
    /// With the story's ticket, for an app to keep where the store could not be written (a full disk, missing rights): that is no reason to post again, and
    /// <see cref="DeviceStore.Tickets"/> does not have it then.
    /// </returns>
    /// <exception cref="ArgumentException">The draft has too many files, no content, or an impossible lifetime or level.</exception>
    /// <exception cref="IOException">A file cannot be read, or changed meanwhile; or the store cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read, or the store may not be written.</exception>
    /// <exception cref="NotGenuineException">No processing key is signed by the pinned service key.</exception>
    public async Task<StoryProgress> PostAsync(Draft draft, Action<PostStep, int> progress, CancellationToken cancellationToken = default)
    {
        using var content = await MakeAsync(draft, progress, cancellationToken);
        StoryProgress accepted;
        try
        {
            accepted = await PublishAsync(draft, content, cancellationToken);
        }
        catch
        {
            // A try may have been accepted, and its answer lost. In this order a late one finds no uploads, and an early one is there to be withdrawn.
            await EndUploadsAsync(content.Uploads);
            await Farewell.TryAsync(until => client.WithdrawAsync(content.Story, until));
            throw;
        }
        Keep(content.Story, accepted);
        return accepted;
    }

    /// <summary>
    /// Everything up to publishing: encrypts, uploads and signs. The request stays good for two minutes. Who gives up after it has gone out ends its uploads, then
    /// withdraws the story: in this order nothing comes after.
    /// </summary>
    /// <param name="draft">What to post.</param>
    /// <param name="progress">Step and percent of all files together.</param>
    /// <param name="cancellationToken">Ends the preparation.</param>
    /// <returns>The story's id and the signed request that publishes it, as often as need be.</returns>
    /// <exception cref="ArgumentException">The draft has too many files, no content, or an impossible lifetime or level.</exception>
    /// <exception cref="IOException">A file cannot be read, or changed meanwhile; or the store cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read, or the store may not be written.</exception>
    /// <exception cref="NotGenuineException">No processing key is signed by the pinned service key.</exception>
    public async Task<(Guid Story, PublishRequest Request)> PrepareAsync(Draft draft, Action<PostStep, int> progress, CancellationToken cancellationToken = default)
    {
        using var content = await MakeAsync(draft, progress, cancellationToken);
        try
        {
            return (content.Story, (await SignAsync(draft, content, cancellationToken)).Request);
        }
        catch
        {
            await EndUploadsAsync(content.Uploads);
            throw;
        }
    }

    /// <summary>Encrypts one file to the service's newest processing key and uploads it, for something else than a story.</summary>
    /// <param name="file">Its path.</param>
    /// <param name="level">Of what it is for.</param>
    /// <param name="progress">Step and percent.</param>
    /// <param name="cancellationToken">Ends the upload and takes it back.</param>
    /// <returns>The upload's id, and the digest of its ciphertext.</returns>
    /// <exception cref="IOException">The file cannot be read, or changed meanwhile.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="NotGenuineException">No processing key is signed by the pinned service key.</exception>
    public async Task<(Guid Upload, Digest Ciphertext)> UploadAsync(string file, Level level, Action<PostStep, int> progress, CancellationToken cancellationToken = default)
    {
        var uploads = await UploadAsync([MediaFile.Of(file)], level, progress, cancellationToken);
        return (uploads[0].Id, uploads[0].Digest);
    }

    /// <summary>Waits until the service has made all renditions, or has refused the media; bears with a service that is away, or silent, as <see cref="PostAsync"/> does.</summary>
    /// <param name="start">From <see cref="PostAsync"/>.</param>
    /// <param name="progress">Step and percent.</param>
    /// <param name="untilLive">Not to wait for further renditions once viewers can see the first.</param>
    /// <param name="cancellationToken">Ends the waiting; the story goes on.</param>
    /// <returns>The last progress: <see cref="StoryState.Live"/>, or how it ended, with a code when it was rejected or taken down.</returns>
    /// <exception cref="StoriesProblemException"><c>notFound</c>: the story's time is over, or its author was erased.</exception>
    public async Task<StoryProgress> FollowAsync(StoryProgress start, Action<PostStep, int> progress, bool untilLive = false, CancellationToken cancellationToken = default)
    {
        var watch = Stopwatch.StartNew();
        for (var at = start; ; at = await InsistAsync(() => client.WatchProgressAsync(start.Story, cancellationToken), cancellationToken))
        {
            progress(PostStep.Transcoding, at.Stage == Stage.Done ? 100 : at.Percent);
            if (at.Stage == Stage.Done || (untilLive && at.State == StoryState.Live)) return at;
            // The worker's real time passes, whatever clock the author's device has. A photo is known to be live within a tenth
            // of a second, and a long video does not cost ten questions in each of its seconds.
            var pause = TimeSpan.FromTicks(Math.Clamp(watch.Elapsed.Ticks / 10, LeastPause.Ticks, MostPause.Ticks));
            await Task.Delay(pause, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>
    /// Whether the service has erased a story that this device posted: fetches the record of all that ended with it, and verifies that the
    /// pinned service key signed it and that the story stands in it.
    /// </summary>
    /// <param name="story">Its id.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    public async Task<ErasureProof> VerifyErasureAsync(Guid story, CancellationToken cancellationToken = default)
    {
        if (store.FindTicket(story) is not { } kept)
            return new ErasureProof.NotProven("This device has no ticket for it: another one posted it, or over 90 days ago.");
        if (store.ServiceKey is not { } key) return new ErasureProof.NotProven("This device has pinned no service key.");
        try
        {
            var answer = await client.ReadErasureAsync(kept.Ticket.Bucket, kept.Ticket.Leaf, cancellationToken);
            var fault = ErasureRecord.FindFault(answer, key, kept.Ticket, out var record);
            if (fault is null && (record!.Due < kept.ExpiresAt.ToUnixTimeMilliseconds() || record.Erased > (clock.GetUtcNow() + ClockTolerance).ToUnixTimeMilliseconds()))
                fault = ErasureFault.TooEarly;
            return fault is null ? new ErasureProof.Erased(record!, kept.ExpiresAt) : new ErasureProof.NotProven(Say(fault.Value), fault);
        }
        catch (StoriesProblemException e) when (e is { Code: ProblemCodes.ErasurePending, Due: { } due })
        {
            return new ErasureProof.Pending(due);
        }
        catch (StoriesProblemException e) when (e.Code == ProblemCodes.NotFound)
        {
            return new ErasureProof.NotProven("The service has no record in which it stands.");
        }
    }

    private static string Say(ErasureFault fault) => fault switch
    {
        ErasureFault.NotSigned => "The record is not signed by the service's pinned key.",
        ErasureFault.Malformed => "The record is not one: its form, or its number of stories.",
        ErasureFault.AnotherBucket => "The record is of something else.",
        ErasureFault.TooEarly => "The record says that it was erased before its end, or at a time that by this device's clock has not come yet.",
        ErasureFault.LeafMissing => "The story does not stand in the record.",
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    };

    private async Task<Content> MakeAsync(Draft draft, Action<PostStep, int> progress, CancellationToken cancellationToken)
    {
        if (draft.FindFault() is { } fault) throw new ArgumentException(fault, nameof(draft));
        var files = draft.Files.Select(MediaFile.Of).ToList();
        var identity = AgeIdentity.Generate();
        try
        {
            var words = StoriesJson.Write(new StoryPayload(draft.Caption, [.. files.Select(f => new PayloadMedia(f.MediaType, f.Length))]));
            var payload = AgeFile.Encrypt(words, identity.Recipient);
            if (payload.Length > Limits.PayloadBytes) throw new ArgumentException("The caption is too long.", nameof(draft));

            // Words alone need no key of the service, but their end is proven by it: at that time any key could be shown.
            if (store.ServiceKey is null) store.PinServiceKey((await ListKeysAsync(cancellationToken)).ServiceKey);
            await InsistAsync(() => audiences.RegisterAsync(cancellationToken), cancellationToken);
            return new Content(Guid.NewGuid(), identity, payload, await UploadAsync(files, draft.Level, progress, cancellationToken));
        }
        catch
        {
            identity.Dispose();
            throw;
        }
    }

    private async Task<StoryProgress> PublishAsync(Draft draft, Content content, CancellationToken cancellationToken)
    {
        for (var round = 1; ; round++)
        {
            var (request, signedAt) = await SignAsync(draft, content, cancellationToken);
            try
            {
                // The request can be repeated: whoever loses the answer asks again.
                return await InsistAsync(() => client.PublishAsync(content.Story, request, cancellationToken), cancellationToken);
            }
            catch (StoriesProblemException e) when (round < PassingTrouble.MostTries && IsOutdated(e, signedAt))
            {
                // The same again, as it is now.
            }
        }
    }

    /// <summary>Since we signed another device of the author's has begun an epoch, or the tries have taken longer than a manifest is good.</summary>
    private bool IsOutdated(StoriesProblemException refusal, DateTimeOffset signedAt) =>
        refusal.Code == ProblemCodes.StoryEpochUnknown || (refusal.Code == ProblemCodes.StoryCreatedAtOutOfRange && clock.GetUtcNow() - signedAt > Stale);

    /// <summary>The story is live, and its author must not believe otherwise because a file could not be written.</summary>
    private void Keep(Guid story, StoryProgress accepted)
    {
        if (accepted.Ticket is not { } ticket) return;
        try
        {
            store.KeepTicket(new KeptTicket(story, accepted.ExpiresAt, ticket), clock.GetUtcNow());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            // Told by what the store has: the ticket is in the answer.
        }
    }

    /// <summary>As late as can be: while minutes of a video go up, another device of the author's may begin an epoch.</summary>
    private Task<(PublishRequest Request, DateTimeOffset At)> SignAsync(Draft draft, Content content, CancellationToken cancellationToken) => InsistAsync(async () =>
    {
        var audience = await audiences.ReadyAsync(draft.Audience, cancellationToken);
        using var epoch = await audiences.OpenEpochAsync(audience.Id, audience.Epoch, cancellationToken);
        var now = clock.GetUtcNow();
        var manifest = StoriesJson.Write(new StoryManifest(
            content.Story, self.ToString(), store.Id, audience.Id, audience.Epoch, draft.Level, content.Identity.Recipient.ToString(),
            now.ToUnixTimeSeconds(), (int)draft.Lifetime.TotalSeconds, [.. content.Uploads.Select(u => u.Digest)], Digest.Of(content.Payload)));
        var request = new PublishRequest(
            manifest, store.SigningKey.Sign(SignaturePurpose.StoryManifest, manifest), [.. content.Uploads.Select(u => u.Id)],
            Envelope.Seal(content.Identity, epoch.Recipient), content.Payload, draft.Wishes);
        return (request, now);
    }, cancellationToken);

    private async Task<List<Uploaded>> UploadAsync(List<MediaFile> files, Level level, Action<PostStep, int> progress, CancellationToken cancellationToken)
    {
        var uploads = new List<Uploaded>(files.Count);
        try
        {
            var share = new Share(files, progress);
            foreach (var file in files)
            {
                uploads.Add(await UploadAsync(file, level, share, cancellationToken));
                share.Next(file);
            }
            return uploads;
        }
        catch
        {
            await EndUploadsAsync(uploads);
            throw;
        }
    }

    private async Task<Uploaded> UploadAsync(MediaFile file, Level level, Share share, CancellationToken cancellationToken)
    {
        var key = await ProcessingKeyAsync(cancellationToken);
        // The manifest signs the ciphertext's digest and a resumed upload must send the same bytes: so it rests in a file,
        // which holds nothing that this device could read back.
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var ciphertext = new FileStream(Path.Combine(Path.GetTempPath(), $"stories-{Guid.NewGuid():N}"), options);
        var digest = await EncryptAsync(file, AgeRecipient.Parse(key.Recipient), ciphertext, read => share.Report(PostStep.Encrypting, read, file.Length, file), cancellationToken);
        var id = await client.UploadAsync(ciphertext, file.Lane, level, key.Id, sent => share.Report(PostStep.Uploading, sent, digest.Length, file), cancellationToken);
        return new Uploaded(id, digest);
    }

    private async Task<ProcessingKeyEntry> ProcessingKeyAsync(CancellationToken cancellationToken)
    {
        var list = await ListKeysAsync(cancellationToken);
        store.PinServiceKey(list.ServiceKey);
        var genuine =
            from entry in list.ProcessingKeys
            where Signatures.Verify(store.ServiceKey, SignaturePurpose.ProcessingKey, entry.Bytes, entry.Signature)
            let key = StoriesJson.ReadCanonical<ProcessingKeyEntry>(entry.Bytes)
            where key is not null && clock.GetUtcNow().ToUnixTimeSeconds() < key.NotAfter && AgeRecipient.TryParse(key.Recipient, out _)
            select key;
        return genuine.MaxBy(key => key.NotAfter) ?? throw new NotGenuineException("No processing key is signed by the service's pinned key and still valid.");
    }

    /// <summary>In bounded memory, with the digest taken on the way.</summary>
    private static async Task<Digest> EncryptAsync(MediaFile file, AgeRecipient recipient, Stream ciphertext, Action<long> progress, CancellationToken cancellationToken)
    {
        await using var plain = File.OpenRead(file.Path);
        await using var counted = new CountedStream(plain, file.Length, progress);
        await using var digesting = new DigestedWriteStream(ciphertext);
        await using var encrypt = new AgeEncryptStream(digesting, [recipient]);
        await Padding.WritePaddedAsync(counted, file.Length, encrypt, cancellationToken);
        await encrypt.CompleteAsync(cancellationToken);
        await ciphertext.FlushAsync(cancellationToken);
        return digesting.Finish();
    }

    private Task<KeyList> ListKeysAsync(CancellationToken cancellationToken) => InsistAsync(() => client.ListKeysAsync(cancellationToken), cancellationToken);

    private Task EndUploadsAsync(IEnumerable<Uploaded> uploads) => Task.WhenAll(uploads.Select(upload => Farewell.TryAsync(until => client.EndUploadAsync(upload.Id, until))));

    private Task<T> InsistAsync<T>(Func<Task<T>> act, CancellationToken cancellationToken) => PassingTrouble.InsistAsync(act, clock, cancellationToken);

    private sealed record Uploaded(Guid Id, Digest Digest);

    /// <summary>What is posted, before it is said to whom. Its payload and renditions are encrypted to its identity.</summary>
    private sealed record Content(Guid Story, AgeIdentity Identity, byte[] Payload, IReadOnlyList<Uploaded> Uploads) : IDisposable
    {
        public void Dispose() => Identity.Dispose();
    }

    /// <summary>Percents of all files together: a large one weighs more.</summary>
    private sealed class Share(List<MediaFile> files, Action<PostStep, int> progress)
    {
        private readonly long all = Math.Max(1, files.Sum(f => f.Length));
        private long before;

        public void Report(PostStep step, long done, long of, MediaFile file) =>
            progress(step, (int)((before + (of == 0 ? file.Length : (double)done / of * file.Length)) * 100 / all));

        public void Next(MediaFile file) => before += file.Length;
    }
}
