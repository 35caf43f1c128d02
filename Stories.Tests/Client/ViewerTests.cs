using System.Net;
using System.Text;
using Stories.Age;
using Stories.Client;
using Stories.Client.Cli;
using Stories.Client.Sessions;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Client;

/// <summary>
/// A viewer believes nobody: each case bends one thing that author, service and storage say, in a way that a real service
/// never does, and the viewer must refuse it.
/// </summary>
public sealed class ViewerTests : IDisposable
{
    private static readonly UserName Bob = new("photos", "bob");

    private readonly string home = Directory.CreateTempSubdirectory("stories-viewer-").FullName;
    private readonly Stage stage = new();
    private readonly HandClock clock = new();
    private readonly DeviceStore store;

    public ViewerTests() => store = DeviceStore.Open(home);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Lies => new(Bends.Keys);

    private static readonly Dictionary<string, Action<Stage>> Bends = new()
    {
        ["a signature of somebody else"] = s => s.BendView = v => v with { SignerKey = s.ServiceKey.PublicKey },
        ["a manifest with one bit changed"] = s => s.BendView = v => v with { Manifest = Flip(v.Manifest) },
        ["a manifest that is not canonical, though signed"] = s => s.BendManifestBytes = bytes => [.. bytes, (byte)' '],
        ["a manifest of another story"] = s => s.BendManifest = m => m with { Story = Guid.NewGuid() },
        ["another story than was asked for"] = s => s.BendView = v => v with { Story = Guid.NewGuid() },
        ["a manifest by another author"] = s => s.BendManifest = m => m with { Author = "chat/mallory" },
        ["another audience"] = s => s.BendManifest = m => m with { Audience = Guid.NewGuid() },
        ["another epoch"] = s => s.BendManifest = m => m with { Epoch = 2 },
        ["another level"] = s => s.BendManifest = m => m with { Level = Level.Clear },
        ["an end that is too late"] = s => s.BendView = v => v with { ExpiresAt = v.ExpiresAt + Limits.ExpiryTolerance + TimeSpan.FromSeconds(1) },
        ["a time that overflows"] = s => s.BendManifest = m => m with { CreatedAt = long.MinValue },
        ["another payload"] = s => s.BendView = v => v with { Payload = AgeFile.Encrypt("{}"u8, s.Story.Recipient) },
        ["no payload"] = s => s.BendView = v => v with { Payload = null },
        ["a payload that cannot be read"] = s => s.Words = "caption"u8.ToArray(),
        ["a key envelope with one bit changed"] = s => s.BendView = v => v with { KeyEnvelope = Flip(v.KeyEnvelope) },
        ["a key envelope to somebody else"] = s => s.BendView = v => v with { KeyEnvelope = Envelope.Seal(s.Story, AgeIdentity.Generate().Recipient) },
        ["another key in the envelope"] = s => s.BendView = v => v with { KeyEnvelope = Envelope.Seal(AgeIdentity.Generate(), s.Epoch.Recipient) },
        ["no key in the envelope"] = s => s.BendView = v => v with { KeyEnvelope = AgeFile.Encrypt("key"u8, s.Epoch.Recipient) },
        ["no rendition manifest"] = s => s.BendView = v => v with { RenditionManifest = null },
        ["a rendition manifest that is not encrypted"] = s => s.BendRecord = (record, _) => record,
        ["a rendition manifest signed by the author"] = s => s.RenditionSigner = s.DeviceKey,
        ["a rendition manifest signed for another purpose"] = s => s.RenditionPurpose = SignaturePurpose.ProcessingKey,
        ["a rendition manifest of another story"] = s => s.BendRenditions = r => r with { Story = Guid.NewGuid() },
        ["a rendition manifest of another revision"] = s => s.BendRenditions = r => r with { Revision = 7 },
        ["renditions of another author manifest"] = s => s.BendRenditions = r => r with { AuthorManifest = Digest.Of("other"u8).Sha256 },
        ["a rendition whose name is a path"] = s => s.BendEntry = e => e with { Name = "x/../../home/videos/a" },
        ["a rendition whose name steers a terminal"] = s => s.BendEntry = e => e with { Name = "photo\u001b[2J" },
        ["a rendition of no kind"] = s => s.BendEntry = e => e with { MediaType = null! },
        ["a rendition without a digest"] = s => s.BendEntry = e => e with { Blob = null! },
        ["a manifest without uploads, and no renditions"] = s =>
        {
            s.BendManifest = m => m with { Uploads = null! };
            s.BendView = v => v with { RenditionManifest = null };
        },
        ["no renditions at all"] = s => s.BendRenditions = r => r with { Renditions = null! },
        ["an epoch's envelope with another key"] = s => s.EpochInEnvelope = AgeIdentity.Generate(),
    };

    private static readonly Dictionary<string, Action<Stage>> BlobBends = new()
    {
        ["one bit changed"] = s => s.BendBlob = Flip,
        ["another content, encrypted to the right key"] = s => s.BendBlob = _ => AgeFile.Encrypt(new byte[500], s.Story.Recipient),
        ["cut"] = s => s.BendBlob = blob => blob[..^20],
        ["empty"] = s => s.BendBlob = _ => [],
        ["longer"] = s => s.BendBlob = blob => [.. blob, 0],
        ["a content that is shorter than the manifest says"] = s => s.BendEntry = e => e with { ContentLength = 5000 },
        ["another length in the manifest"] = s => s.BendEntry = e => e with { Blob = e.Blob with { Length = e.Blob.Length + 1 } },
        ["a URL of another kind"] = s => s.BendView = v => v with { Renditions = [v.Renditions[0] with { Url = "file:///etc/hostname" }] },
        ["no URL"] = s => s.BendView = v => v with { Renditions = [] },
    };

    public static TheoryData<string> BlobLies => new(BlobBends.Keys);

    public void Dispose()
    {
        store.Dispose();
        Directory.Delete(home, recursive: true);
    }

    [Theory]
    [InlineData(Level.Processed)]
    [InlineData(Level.Clear)]
    public async Task What_is_genuine_is_opened_and_comes_without_padding(Level level)
    {
        stage.Level = level;
        using var viewer = Viewer(out _);
        using var opened = await viewer.OpenAsync(stage.Id, Cancel);
        Assert.Equal("at the lake", opened.Payload!.Caption);
        using var content = new MemoryStream();
        await viewer.DownloadAsync(opened, opened.Renditions!.Renditions[0], content, Cancel);
        Assert.Equal(stage.Content, content.ToArray());
    }

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task A_story_with_a_lie_is_not_opened(string lie)
    {
        Bends[lie](stage);
        using var viewer = Viewer(out _);
        await Assert.ThrowsAsync<NotGenuineException>(() => viewer.OpenAsync(stage.Id, Cancel));
    }

    [Theory]
    [MemberData(nameof(BlobLies))]
    public async Task A_rendition_that_is_not_the_signed_one_is_refused(string lie)
    {
        BlobBends[lie](stage);
        using var viewer = Viewer(out _);
        using var opened = await viewer.OpenAsync(stage.Id, Cancel);
        await Assert.ThrowsAsync<NotGenuineException>(() => viewer.DownloadAsync(opened, opened.Renditions!.Renditions[0], new MemoryStream(), Cancel));
    }

    [Fact]
    public async Task Storage_that_never_stops_is_left()
    {
        stage.Level = Level.Clear;
        stage.Blob = _ => new StreamContent(new Endless());
        using var viewer = Viewer(out _);
        using var opened = await viewer.OpenAsync(stage.Id, Cancel);
        using var content = new MemoryStream();
        await Assert.ThrowsAsync<NotGenuineException>(() => viewer.DownloadAsync(opened, opened.Renditions!.Renditions[0], content, Cancel));
        Assert.True(content.Length <= stage.Content.Length);
    }

    [Fact]
    public async Task Storage_that_falls_silent_counts_as_not_reached()
    {
        stage.Blob = _ => new StreamContent(new Piecemeal(stage.Sealed, async (at, cancellationToken) =>
        {
            if (at == 100) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        }));
        await AssertUnreachableAsync(stage.Storage());
    }

    [Fact]
    public async Task So_does_storage_that_does_not_answer() => await AssertUnreachableAsync(new StandIn().Silent("GET /blob"));

    [Fact]
    public async Task So_does_storage_that_cuts_the_connection()
    {
        stage.Blob = _ => new StreamContent(new Piecemeal(stage.Sealed, (at, _) => at == 100 ? throw new HttpIOException(HttpRequestError.ResponseEnded) : Task.CompletedTask));
        await AssertUnreachableAsync(stage.Storage());
    }

    [Fact]
    public async Task Storage_that_is_slow_is_waited_for_and_so_is_whoever_pauses()
    {
        stage.Blob = _ => new StreamContent(new Piecemeal(stage.Sealed, (_, _) =>
        {
            clock.Advance(TimeSpan.FromSeconds(99));
            return Task.CompletedTask;
        }));
        using var viewer = Viewer(out _);
        using var opened = await viewer.OpenAsync(stage.Id, Cancel);
        var content = new Pausing(() => clock.Advance(TimeSpan.FromHours(1)));
        await viewer.DownloadAsync(opened, opened.Renditions!.Renditions[0], content, Cancel);
        Assert.Equal(stage.Content.Length, content.Written);
    }

    [Fact]
    public async Task A_refused_URL_is_asked_for_again_once_and_never_with_the_token()
    {
        var refusals = 1;
        stage.Blob = request =>
        {
            Assert.Null(request.Headers.Authorization);
            return refusals-- > 0 ? null : new ByteArrayContent(stage.Sealed);
        };
        using var viewer = Viewer(out var service);
        using var opened = await viewer.OpenAsync(stage.Id, Cancel);
        await viewer.DownloadAsync(opened, opened.Renditions!.Renditions[0], new MemoryStream(), Cancel);
        Assert.Equal(2, service.Asked.Count(a => a == $"GET /v1/stories/{stage.Id}"));

        refusals = 2;
        var refusal = await Assert.ThrowsAsync<HttpRequestException>(() => viewer.DownloadAsync(opened, opened.Renditions!.Renditions[0], new MemoryStream(), Cancel));
        Assert.Equal(HttpStatusCode.Forbidden, refusal.StatusCode);
        Assert.Equal(3, service.Asked.Count(a => a == $"GET /v1/stories/{stage.Id}"));
    }

    [Fact]
    public async Task A_device_that_came_too_late_is_told_so()
    {
        stage.HasEnvelope = false;
        using var viewer = Viewer(out _);
        await Assert.ThrowsAsync<KeyMissingException>(() => viewer.OpenAsync(stage.Id, Cancel));
    }

    [Fact]
    public async Task A_service_with_another_key_than_the_pinned_one_is_not_believed()
    {
        store.PinServiceKey(new byte[32]);
        using var viewer = Viewer(out _);
        await Assert.ThrowsAsync<NotGenuineException>(() => viewer.OpenAsync(stage.Id, Cancel));
    }

    /// <summary>As documented, and to the command line as a service that cannot be reached.</summary>
    private async Task AssertUnreachableAsync(StandIn storage)
    {
        using var viewer = Viewer(out _, storage);
        using var opened = await viewer.OpenAsync(stage.Id, Cancel);
        var downloading = viewer.DownloadAsync(opened, opened.Renditions!.Renditions[0], new MemoryStream(), Cancel);
        clock.Advance(TimeSpan.FromSeconds(100));
        var trouble = await Assert.ThrowsAsync<HttpRequestException>(() => downloading);
        Assert.Equal(ExitCodes.Unreachable, Failure.Of(trouble, Cancel)!.ExitCode);
    }

    private Viewer Viewer(out StandIn service, StandIn? storage = null)
    {
        service = stage.Service(store.Identity.Recipient);
        var client = new StoriesClient(new Uri("http://service.test"), _ => ValueTask.FromResult("token"), service);
        return new Viewer(client, store, new Stories.Client.Audiences(client, store, Bob), storage ?? stage.Storage(), clock);
    }

    private static byte[] Flip(byte[] bytes)
    {
        var bent = bytes.ToArray();
        bent[^1] ^= 1;
        return bent;
    }

    private sealed class Endless : ReadOnlyStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(buffer.Length);
    }

    /// <summary>A hundred bytes at a time, after whatever happens before them.</summary>
    private sealed class Piecemeal(byte[] bytes, Func<int, CancellationToken, Task> before) : ReadOnlyStream
    {
        private int position;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await before(position, cancellationToken);
            var read = Math.Min(Math.Min(buffer.Length, 100), bytes.Length - position);
            bytes.AsMemory(position, read).CopyTo(buffer);
            position += read;
            return read;
        }
    }

    private sealed class Pausing(Action pause) : WriteOnlyStream
    {
        public int Written { get; private set; }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            pause();
            Written += buffer.Length;
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>A story as author, worker and service make one, with a place to bend each part of it.</summary>
    private sealed class Stage
    {
        private static readonly DateTimeOffset CreatedAt = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        private readonly Guid audience = Guid.NewGuid();

        public Guid Id { get; } = Guid.NewGuid();
        public SigningKey DeviceKey { get; } = SigningKey.Generate();
        public SigningKey ServiceKey { get; } = SigningKey.Generate();
        public AgeIdentity Epoch { get; } = AgeIdentity.Generate();
        public AgeIdentity Story { get; } = AgeIdentity.Generate();
        public byte[] Content { get; } = [.. Enumerable.Range(0, 1000).Select(i => (byte)i)];

        public Level Level { get; set; } = Level.Processed;
        public byte[] Words { get; set; } = StoriesJson.Write(new StoryPayload("at the lake"));
        public bool HasEnvelope { get; set; } = true;
        public AgeIdentity? EpochInEnvelope { get; set; }
        public SigningKey? RenditionSigner { get; set; }
        public string RenditionPurpose { get; set; } = SignaturePurpose.RenditionManifest;
        public Func<StoryManifest, StoryManifest> BendManifest { get; set; } = m => m;
        public Func<byte[], byte[]> BendManifestBytes { get; set; } = bytes => bytes;
        public Func<StoryView, StoryView> BendView { get; set; } = v => v;
        public Func<RenditionEntry, RenditionEntry> BendEntry { get; set; } = e => e;
        public Func<RenditionManifest, RenditionManifest> BendRenditions { get; set; } = r => r;
        public Func<byte[], byte[], byte[]> BendRecord { get; set; } = (_, sealedRecord) => sealedRecord;
        public Func<byte[], byte[]> BendBlob { get; set; } = blob => blob;
        public Func<HttpRequestMessage, HttpContent?>? Blob { get; set; }

        /// <summary>The rendition as it lies in storage.</summary>
        public byte[] Sealed => sealedOnce ??= Seal();

        private byte[]? sealedOnce;

        public StandIn Service(AgeRecipient device)
        {
            var view = BendView(View());
            var service = new StandIn()
                .On("GET /v1/keys", new KeyList(ServiceKey.PublicKey, []))
                .On($"GET /v1/stories/{Id}", view);
            return HasEnvelope
                ? service.On($"GET /v1/audiences/{audience}/epochs/1", new EpochView(audience, 1, Epoch.Recipient.ToString(), Envelope.Seal(EpochInEnvelope ?? Epoch, device)))
                : service.On($"GET /v1/audiences/{audience}/epochs/1", _ => new HttpResponseMessage(HttpStatusCode.NotFound) { Content = new StringContent("""{"code":"notFound","title":"Nothing."}""", Encoding.UTF8) });
        }

        public StandIn Storage() => new StandIn().On("GET /blob", request =>
            (Blob is null ? new ByteArrayContent(BendBlob(Sealed)) : Blob(request)) is { } content
                ? new HttpResponseMessage(HttpStatusCode.OK) { Content = content }
                : new HttpResponseMessage(HttpStatusCode.Forbidden));

        private byte[] Seal()
        {
            if (Level == Level.Clear) return Content;
            using var padded = new MemoryStream();
            Padding.WritePaddedAsync(new MemoryStream(Content), Content.Length, padded, CancellationToken.None).GetAwaiter().GetResult();
            return AgeFile.Encrypt(padded.ToArray(), Story.Recipient);
        }

        private StoryView View()
        {
            var payload = AgeFile.Encrypt(Words, Story.Recipient);
            var manifest = BendManifestBytes(StoriesJson.Write(BendManifest(new StoryManifest(
                Id, "chat/alice", Guid.NewGuid(), audience, 1, Level, Story.Recipient.ToString(), CreatedAt.ToUnixTimeSeconds(), 3600, [new Digest("00", 1)], Digest.Of(payload)))));
            var entry = BendEntry(new RenditionEntry(1, 0, "photo-1080", "image/webp", null, 10, 10, null, Content.Length, Digest.Of(Sealed)));
            var renditions = StoriesJson.Write(BendRenditions(new RenditionManifest(Id, 1, Digest.Of(manifest).Sha256, [entry])));
            var record = StoriesJson.Write(new SignedRecord(renditions, (RenditionSigner ?? ServiceKey).Sign(RenditionPurpose, renditions), ServiceKey.Id));
            return new StoryView(
                Id, "chat/alice", audience, 1, Level, CreatedAt + TimeSpan.FromHours(1), 1, manifest, DeviceKey.Sign(SignaturePurpose.StoryManifest, manifest), DeviceKey.PublicKey,
                Envelope.Seal(Story, Epoch.Recipient), payload, BendRecord(record, Level == Level.Clear ? record : AgeFile.Encrypt(record, Story.Recipient)),
                [new RenditionUrl(1, Sealed.Length, "http://storage.test/blob?sig=x", CreatedAt + TimeSpan.FromMinutes(2))]);
        }
    }
}
