using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.Tokens;
using Stories.Core.Apps;
using Stories.Core.Data;

namespace Stories.Api.Hosting;

/// <summary>The registered apps, read again every few seconds: tokens and origins are checked on every request.</summary>
public sealed class AppRegistry(IServiceScopeFactory scopes, TimeProvider clock)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);

    private readonly Lock beginning = new();
    private Task reading = Task.CompletedTask;
    private Snapshot current = new([], [], "");
    private long readAt = long.MinValue;

    /// <summary>
    /// One reading for all who come meanwhile, whether it succeeds or not: when the database does not answer they wait for that together, not one after the other.
    /// </summary>
    public ValueTask RefreshAsync(CancellationToken cancellationToken) => IsFresh ? ValueTask.CompletedTask : new ValueTask(Reading().WaitAsync(cancellationToken));

    public App? Find(string? issuer, IEnumerable<string> audiences) => Entry(issuer, audiences)?.App;

    public IEnumerable<SecurityKey> Keys(string? issuer, IEnumerable<string> audiences) => Entry(issuer, audiences)?.Keys ?? [];

    /// <summary>Another object whenever an app was found changed.</summary>
    public object Version => current;

    /// <summary>Nothing has to be read before the next question.</summary>
    public bool IsFresh => readAt != long.MinValue && clock.GetElapsedTime(readAt) < Fresh;

    public App? ById(string id) => current.Apps.Values.FirstOrDefault(a => a.App.Id == id)?.App;

    public bool AllowsOrigin(string origin) => current.Origins.Contains(origin);

    private Task Reading()
    {
        lock (beginning)
        {
            if (reading.IsCompleted && !IsFresh) reading = ReadAsync();
            return reading;
        }
    }

    /// <summary>Nobody's departure ends it: others wait for it.</summary>
    private async Task ReadAsync()
    {
        await using var scope = scopes.CreateAsyncScope();
        var apps = await scope.ServiceProvider.GetRequiredService<StoriesDb>().Apps.AsNoTracking().OrderBy(a => a.Id).ToListAsync(CancellationToken.None);
        var content = JsonSerializer.Serialize(apps);
        if (content != current.Content)
        {
            current = new Snapshot(
                apps.ToDictionary(a => (a.Issuer, a.TokenAudience), a => new Registered(a, new JsonWebKeySet(a.SigningKeys).GetSigningKeys())),
                [.. apps.SelectMany(a => a.AllowedOrigins)], content);
        }
        readAt = clock.GetTimestamp();
    }

    private Registered? Entry(string? issuer, IEnumerable<string> audiences) =>
        issuer is null ? null : audiences.Select(audience => current.Apps.GetValueOrDefault((issuer, audience))).FirstOrDefault(a => a is not null);

    private sealed record Registered(App App, IList<SecurityKey> Keys);

    private sealed record Snapshot(Dictionary<(string Issuer, string Audience), Registered> Apps, HashSet<string> Origins, string Content);
}
