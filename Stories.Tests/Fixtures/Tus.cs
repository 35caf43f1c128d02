using System.Net.Http.Headers;
using System.Text;
using Stories.Age;
using Stories.Protocol;

namespace Stories.Tests.Fixtures;

/// <summary>tus by hand: every header as a test wants it.</summary>
internal static class Tus
{
    public static async Task<ProcessingKeyEntry> KeyAsync(Service service, string user = "alice")
    {
        using var client = new Stories.Client.StoriesClient(service.Address, service.Token(user));
        return StoriesJson.ReadCanonical<ProcessingKeyEntry>((await client.ListKeysAsync()).ProcessingKeys[0].Bytes)!;
    }

    public static string Metadata(Guid key, string lane = "photo", string level = "processed") => $"lane {B64(lane)},level {B64(level)},key {B64(key.ToString())}";

    public static string B64(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));

    public static HttpRequestMessage Request(HttpMethod method, string path, byte[]? body = null, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        if (!headers.Any(h => h.Name == "Tus-Resumable")) request.Headers.Add("Tus-Resumable", "1.0.0");
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/offset+octet-stream");
        }
        foreach (var (name, value) in headers)
        {
            if (name == "Content-Type") request.Content!.Headers.ContentType = new MediaTypeHeaderValue(value);
            else if (value.Length > 0) request.Headers.TryAddWithoutValidation(name, value);
        }
        return request;
    }

    public static async Task<string> BeginAsync(HttpClient http, Guid key, long length, string lane = "photo", string level = "processed")
    {
        using var answer = await http.SendAsync(Request(HttpMethod.Post, "v1/uploads", null, ("Upload-Length", $"{length}"), ("Upload-Metadata", Metadata(key, lane, level))));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return answer.Headers.Location!.OriginalString.TrimStart('/');
    }

    public static Task<HttpResponseMessage> PatchAsync(HttpClient http, string location, long offset, byte[] bytes, params (string, string)[] headers) =>
        http.SendAsync(Request(HttpMethod.Patch, location, bytes, [("Upload-Offset", $"{offset}"), .. headers]));

    public static async Task<long?> OffsetAsync(HttpClient http, string location)
    {
        using var answer = await http.SendAsync(Request(HttpMethod.Head, location));
        return answer.Headers.TryGetValues("Upload-Offset", out var offset) ? long.Parse(offset.Single()) : null;
    }

    public static async Task<Guid> UploadAsync(HttpClient http, Guid key, byte[] bytes, string lane = "photo", string level = "processed")
    {
        var location = await BeginAsync(http, key, bytes.Length, lane, level);
        using var answer = await PatchAsync(http, location, 0, bytes);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return Guid.Parse(location.Split('/')[^1]);
    }

    public static async Task<byte[]> EncryptAsync(Service service, byte[] plain)
    {
        var key = await KeyAsync(service);
        return AgeFile.Encrypt(plain, AgeRecipient.Parse(key.Recipient));
    }

    public static async Task<string> CodeAsync(HttpResponseMessage answer)
    {
        using var json = System.Text.Json.JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("code").GetString()!;
    }
}
