using System.Text;
using Stories.Age;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Fixtures;

/// <summary>A publish request by hand, so that a test can bend any part of it.</summary>
internal sealed class Publishing(Service service, UserSession author)
{
    private AudienceView audience = null!;

    public Guid Story { get; set; } = Guid.NewGuid();
    public byte[] Payload { get; set; } = "some words"u8.ToArray();
    public List<Guid> Uploads { get; } = [];
    public AudienceView Audience => audience;

    public async Task<Publishing> PrepareAsync()
    {
        await author.Audiences.RegisterAsync();
        audience = await author.Audiences.FindOrFoundAsync("friends");
        return this;
    }

    public StoryManifest Manifest(AgeIdentity identity, IReadOnlyList<Digest> digests) => new(
        Story, author.Self.ToString(), author.Store.Id, audience.Id, audience.Epoch, Level.Processed, identity.Recipient.ToString(),
        service.Clock.GetUtcNow().ToUnixTimeSeconds(), 3600, digests, Payload.Length > 0 ? Digest.Of(Payload) : null);

    public PublishRequest Request(Func<StoryManifest, StoryManifest>? bend = null, IReadOnlyList<Digest>? digests = null, Func<byte[], byte[]>? bendBytes = null)
    {
        using var identity = AgeIdentity.Generate();
        var manifest = Manifest(identity, digests ?? []);
        var bytes = StoriesJson.Write(bend?.Invoke(manifest) ?? manifest);
        bytes = bendBytes?.Invoke(bytes) ?? bytes;
        return new PublishRequest(
            bytes, author.Store.SigningKey.Sign(SignaturePurpose.StoryManifest, bytes), Uploads,
            AgeFile.Encrypt(Encoding.ASCII.GetBytes(identity.ExportSecret()), AgeRecipient.Parse(audience.Recipient)), Payload.Length > 0 ? Payload : null);
    }

    public Task<StoryProgress> PublishAsync(PublishRequest request) => author.Client.PublishAsync(Story, request);

    public async Task<string> CodeAsync(PublishRequest request) =>
        (await Refused(() => PublishAsync(request))).Code;
}
