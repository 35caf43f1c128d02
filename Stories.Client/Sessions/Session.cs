using System.Text;
using System.Text.Json;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Sessions;

/// <summary>Everything a command works with: whom it speaks for, to which service, with which keys.</summary>
internal sealed class Session : IDisposable
{
    public Session(Uri service, string token, string home)
    {
        Self = SubjectOf(token);
        Home = home;
        Client = new StoriesClient(service, token);
        Store = DeviceStore.Open(home);
        Audiences = new Audiences(Client, Store, Self);
        Poster = new Poster(Client, Store, Audiences, Self, TimeProvider.System);
        Viewer = new Viewer(Client, Store, Audiences);
    }

    public UserName Self { get; }

    /// <summary>The folder of this device's keys.</summary>
    public string Home { get; }
    public StoriesClient Client { get; }
    public DeviceStore Store { get; }
    public Audiences Audiences { get; }
    public Poster Poster { get; }
    public Viewer Viewer { get; }

    public const string DefaultService = "http://127.0.0.1:8080";

    public static string DefaultHome => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "stories");

    public static Session FromEnvironment() => new(
        Service(),
        Setting("STORIES_TOKEN") ?? throw new UsageException("Set STORIES_TOKEN to a token of your app."),
        Setting("STORIES_HOME") ?? DefaultHome);

    public static Uri Service() =>
        Uri.TryCreate(Setting("STORIES_API") ?? DefaultService, UriKind.Absolute, out var service) && service.Scheme is "http" or "https"
            ? service
            : throw new UsageException("STORIES_API is not an http or https address.");

    /// <summary>Where the app says that the person is, what they read, and whether it knows an adult.</summary>
    public Cell Cell()
    {
        var cell = new Cell(Self.App, Placement.Tray, Setting("STORIES_COUNTRY"), Setting("STORIES_LANGUAGE"), Setting("STORIES_AGE") == "adult" ? AgeBand.Adult : AgeBand.Unknown);
        return cell.IsWhole ? cell : throw new UsageException("STORIES_COUNTRY takes two capital letters, STORIES_LANGUAGE two small ones and only with a country.");
    }

    /// <summary>The user's own live stories, oldest first, in the audiences that this device knows.</summary>
    public async Task<IReadOnlyList<TrayStory>> ListOwnAsync(CancellationToken cancellationToken)
    {
        var stories = new List<TrayStory>();
        foreach (var name in Store.AudienceNames) stories.AddRange((await Client.ListStoriesAsync(Store.FindAudience(name)!.Value, cancellationToken)).Stories);
        return [.. stories.OrderBy(s => s.AcceptedAt)];
    }

    /// <summary>The story that a person means by an id or the beginning of one.</summary>
    /// <param name="text">A whole id is taken as it is.</param>
    /// <param name="isOwn">Only the user's own stories are meant.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    public async Task<Guid> FindStoryAsync(string text, bool isOwn, CancellationToken cancellationToken)
    {
        if (Guid.TryParse(text, out var id)) return id;
        var known = (await ListOwnAsync(cancellationToken)).Select(s => s.Story);
        if (!isOwn) known = known.Concat((await Client.ShowTrayAsync(cancellationToken)).Authors.SelectMany(a => a.Stories).Select(s => s.Story));
        var found = known.Distinct().Where(story => story.ToString().StartsWith(text, StringComparison.OrdinalIgnoreCase)).ToList();
        return found switch
        {
            [var only] => only,
            [] => throw new UsageException(isOwn ? $"No live story of yours begins with {text}; one that is not live yet needs its whole id." : $"No story that you can see begins with {text}."),
            _ => throw new UsageException($"{found.Count} stories begin with {text}; give more of the id."),
        };
    }

    /// <summary>A story that this device posted, live or ended, by an id or the beginning of one.</summary>
    public Guid FindPosted(string text)
    {
        if (Guid.TryParse(text, out var id)) return id;
        var found = Store.Tickets.Select(t => t.Story).Where(story => story.ToString().StartsWith(text, StringComparison.OrdinalIgnoreCase)).ToList();
        return found switch
        {
            [var only] => only,
            [] => throw new UsageException($"This device has posted no story that begins with {text} within the last 90 days."),
            _ => throw new UsageException($"{found.Count} stories begin with {text}; give more of the id."),
        };
    }

    public void Dispose()
    {
        Viewer.Dispose();
        Store.Dispose();
        Client.Dispose();
    }

    private static string? Setting(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    /// <summary>Who the token is for; the service verifies it, we only read it. The app is known to the service as its audience.</summary>
    private static UserName SubjectOf(string token)
    {
        try
        {
            var part = token.Split('.')[1].Replace('-', '+').Replace('_', '/');
            using var claims = JsonDocument.Parse(Encoding.UTF8.GetString(Convert.FromBase64String(part.PadRight((part.Length + 3) / 4 * 4, '='))));
            var app = Setting("STORIES_APP") ?? claims.RootElement.GetProperty("aud").GetString()!;
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
