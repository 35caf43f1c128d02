using System.Text;
using System.Text.Json;
using Stories.Protocol;

namespace Stories.Client.Sessions;

/// <summary>Everything a command works with: whom it speaks for, to which service, with which keys.</summary>
internal sealed class Session : IDisposable
{
    public Session(Uri service, string token, string home)
    {
        Self = SubjectOf(token);
        Client = new StoriesClient(service, token);
        Store = DeviceStore.Open(home);
        Audiences = new Audiences(Client, Store, Self);
        Poster = new Poster(Client, Store, Audiences, Self, TimeProvider.System);
        Viewer = new Viewer(Client, Store, Audiences);
    }

    public UserName Self { get; }
    public StoriesClient Client { get; }
    public DeviceStore Store { get; }
    public Audiences Audiences { get; }
    public Poster Poster { get; }
    public Viewer Viewer { get; }

    public static Session FromEnvironment() => new(
        Service(),
        Environment.GetEnvironmentVariable("STORIES_TOKEN") ?? throw new UsageException("Set STORIES_TOKEN to a token of your app."),
        Environment.GetEnvironmentVariable("STORIES_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "stories"));

    public static Uri Service() =>
        Uri.TryCreate(Environment.GetEnvironmentVariable("STORIES_API") ?? "http://127.0.0.1:8080", UriKind.Absolute, out var service)
            ? service
            : throw new UsageException("STORIES_API is not an address.");

    public void Dispose()
    {
        Viewer.Dispose();
        Store.Dispose();
        Client.Dispose();
    }

    /// <summary>Who the token is for; the service verifies it, we only read it. The app is known to the service as its audience.</summary>
    private static UserName SubjectOf(string token)
    {
        try
        {
            var part = token.Split('.')[1].Replace('-', '+').Replace('_', '/');
            using var claims = JsonDocument.Parse(Encoding.UTF8.GetString(Convert.FromBase64String(part.PadRight((part.Length + 3) / 4 * 4, '='))));
            var app = Environment.GetEnvironmentVariable("STORIES_APP") ?? claims.RootElement.GetProperty("aud").GetString()!;
            return new UserName(app, claims.RootElement.GetProperty("sub").GetString()!);
        }
        catch (Exception e) when (e is IndexOutOfRangeException or FormatException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new UsageException("STORIES_TOKEN is not a token.");
        }
    }
}

/// <summary>The command was given something that it cannot use.</summary>
internal sealed class UsageException(string message) : Exception(message);
