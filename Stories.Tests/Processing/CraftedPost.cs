using System.Net.Http.Headers;
using System.Text;
using Stories.Age;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Processing;

/// <summary>Posts ciphertext that no client of ours would make.</summary>
internal static class CraftedPost
{
    public static async Task<ProcessingKeyEntry> KeyAsync(UserSession user, CancellationToken cancellationToken) =>
        StoriesJson.ReadCanonical<ProcessingKeyEntry>((await user.Client.ListKeysAsync(cancellationToken)).ProcessingKeys[0].Bytes)!;

    /// <param name="ciphertext">Goes up as it is.</param>
    /// <param name="signed">What the author's manifest says of it; null: the truth.</param>
    public static async Task<Guid> SendAsync(
        Service service, UserSession user, byte[] ciphertext, CancellationToken cancellationToken, Digest? signed = null, Lane lane = Lane.Photo)
    {
        await user.Audiences.RegisterAsync(cancellationToken);
        var audience = await user.Audiences.FindOrFoundAsync("friends", cancellationToken);
        var upload = await UploadAsync(service, user, ciphertext, lane, cancellationToken);

        using var identity = AgeIdentity.Generate();
        var story = Guid.NewGuid();
        var manifest = StoriesJson.Write(new StoryManifest(
            story, user.Self.ToString(), user.Store.Id, audience.Id, audience.Epoch, Level.Processed, identity.Recipient.ToString(),
            service.Clock.GetUtcNow().ToUnixTimeSeconds(), 3600, [signed ?? Digest.Of(ciphertext)]));
        var envelope = AgeFile.Encrypt(Encoding.ASCII.GetBytes(identity.ExportSecret()), AgeRecipient.Parse(audience.Recipient));
        await user.Client.PublishAsync(story, new PublishRequest(manifest, user.Store.SigningKey.Sign(SignaturePurpose.StoryManifest, manifest), [upload], envelope), cancellationToken);
        return story;
    }

    public static async Task<Guid> UploadAsync(Service service, UserSession user, byte[] ciphertext, Lane lane, CancellationToken cancellationToken, bool whole = true)
    {
        var key = await KeyAsync(user, cancellationToken);
        using var http = service.Http(user.Self.User, app: user.Self.App);
        using var create = new HttpRequestMessage(HttpMethod.Post, "v1/uploads");
        create.Headers.Add("Tus-Resumable", "1.0.0");
        create.Headers.Add("Upload-Length", $"{ciphertext.Length}");
        create.Headers.Add("Upload-Metadata", $"lane {Base64(lane.ToString().ToLowerInvariant())},level {Base64("processed")},key {Base64(key.Id.ToString())}");
        create.Content = new ByteArrayContent(whole ? ciphertext : ciphertext[..(ciphertext.Length / 2)]);
        create.Content.Headers.ContentType = new MediaTypeHeaderValue("application/offset+octet-stream");
        using var created = await http.SendAsync(create, cancellationToken);
        created.EnsureSuccessStatusCode();
        return Guid.Parse(created.Headers.Location!.ToString().Split('/')[^1]);
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));
}
