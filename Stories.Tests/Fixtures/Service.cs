using System.Net.Http.Headers;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Stories.Api.Hosting;
using Stories.Api.Operating;
using Stories.Client;
using Stories.Core.Apps;
using Stories.Core.Data;
using Stories.Core.Erasure;
using Stories.Core.Jobs;
using Stories.Core.Media;
using Stories.Protocol;
using Stories.Worker.Auditing;
using Stories.Worker.Erasure;
using Stories.Worker.Hosting;
using Stories.Worker.Keys;
using Stories.Worker.Media;
using Stories.Worker.Sponsored;

namespace Stories.Tests.Fixtures;

/// <summary>
/// A whole service of its own for one test: fresh database and deployment, the Api on a real port, and the Worker's parts.
/// Hangfire's servers and the sweep's timer do not run: a test calls the work itself, and moves the clock.
/// </summary>
public sealed class Service : IAsyncDisposable
{
    public const string ChatApp = "chat";
    public const string PhotosApp = "photos";
    public const string LonelyApp = "lonely";

    private static volatile bool isSandboxProved;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);

    private readonly ECDsaSecurityKey issuerKey = new(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "test" };
    private readonly List<IDisposable> hosts = [];
    private readonly List<UserSession> sessions = [];
    private readonly string folder = Directory.CreateTempSubdirectory("stories-service-").FullName;
    private readonly LocalServers servers;
    private readonly Dictionary<string, string?> settings;

    private Service(LocalServers servers, string database, Dictionary<string, string?> settings) => (this.servers, Database, this.settings) = (servers, database, settings);

    public TestClock Clock { get; } = new();

    /// <summary>Everything that either host wrote to its log.</summary>
    public LogSink Log { get; } = new();

    public Uri Address { get; private set; } = null!;
    public IServiceProvider Api { get; private set; } = null!;
    public IServiceProvider Worker { get; private set; } = null!;

    /// <summary>The straight way to it, for a test's own eyes.</summary>
    public string Database { get; }
    public string KeyFolder => settings["Keys:Folder"]!;
    public IReadOnlyDictionary<string, string?> Settings => settings;

    /// <param name="toStorage">Stands between the service and its storage.</param>
    /// <param name="toDatabase">Stands between the service and its database.</param>
    public static async Task<Service> StartAsync(
        LocalServers servers, Dictionary<string, string?>? overrides = null, bool withWorker = true, FaultProxy? toStorage = null, FaultProxy? toDatabase = null)
    {
        var (database, deployment) = await servers.CreateStoreAsync();
        var service = new Service(servers, database, new Dictionary<string, string?>
        {
            ["ConnectionStrings:Stories"] = toDatabase?.Through(database) ?? database,
            ["Blobs:ConnectionString"] = toStorage?.Through(servers.BlobConnectionString) ?? servers.BlobConnectionString,
            ["Blobs:Deployment"] = deployment,
            ["Buckets:Width"] = "00:01:00",
            ["RateLimits:PerSecond"] = "100000",
            ["RateLimits:Burst"] = "100000",
        });
        service.settings["Keys:Folder"] = Path.Combine(service.folder, "keys");
        service.settings["Media:ScratchFolder"] = Path.Combine(service.folder, "scratch");
        foreach (var (key, value) in overrides ?? []) service.settings[key] = value;
        await using (var db = OperatorCommand.OpenDatabase(database))
        {
            foreach (var (app, shares) in new[] { (ChatApp, PhotosApp), (PhotosApp, ChatApp), (LonelyApp, "") })
            {
                db.Apps.Add(App.Add(app, "https://issuer.test", app, DevelopmentIssuer.PublicKeys(service.issuerKey, service.issuerKey.KeyId), ["https://page.test"],
                    shares.Length > 0 ? [shares] : [], app == LonelyApp ? [] : Scopes.BeyondTheApp, isDevelopment: false, TimeProvider.System.GetUtcNow()));
            }
            await db.SaveChangesAsync();
        }
        if (withWorker) service.Worker = service.StartWorker();
        (service.Api, service.Address) = service.StartApi();
        await using var scope = service.Api.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<Core.Blobs.IngestBlobs>().CreateContainerAsync(CancellationToken.None);
        if (withWorker) await service.SweepAsync();
        return service;
    }

    public (IServiceProvider Services, Uri Address) StartApi(Action<IServiceCollection>? more = null)
    {
        var factory = new WebApplicationFactory<Caller>().WithWebHostBuilder(builder =>
        {
            Configure(builder.UseSetting("urls", "http://127.0.0.1:0"));
            if (more is not null) builder.ConfigureTestServices(more);
        });
        factory.UseKestrel();
        factory.StartServer();
        hosts.Add(factory);
        var addresses = factory.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        return (factory.Services, new Uri(addresses.Addresses.Single()));
    }

    public IServiceProvider StartWorker()
    {
        // Each proof of the walls starts a dozen processes. What they are is this machine's and this build's: once is enough for all tests that do not ask for others.
        var isProved = isSandboxProved && !settings.Keys.Any(key => key.StartsWith("Media:", StringComparison.Ordinal) && key != "Media:ScratchFolder");
        var factory = new WebApplicationFactory<SweepTimer>().WithWebHostBuilder(builder =>
        {
            Configure(builder);
            builder.ConfigureTestServices(services =>
            {
                foreach (var hosted in services.Where(s => s.ServiceType == typeof(IHostedService) && IsJobServer(s) || (isProved && s.ImplementationFactory?.Method.ReturnType == typeof(SandboxState))).ToList()) services.Remove(hosted);
            });
        });
        hosts.Add(factory);
        var sandbox = factory.Services.GetRequiredService<SandboxState>();
        if (isProved) sandbox.Fault = null;
        else isSandboxProved |= sandbox is { Fault: null, Kind: SandboxKind.Bubblewrap };
        return factory.Services;
    }

    /// <summary>One of our hosts as a real process on the same stores. There real seconds count: leases, Hangfire's and the kernel's.</summary>
    public ChildProcess StartProcess(string project, params ReadOnlySpan<(string Name, string Value)> more) =>
        ChildProcess.StartHost(project, Environment([("Buckets__SweepEvery", "00:00:00.500"), .. more]));

    /// <summary>What an operator types, for instance <c>app remove NAME</c> of the Api, on the same stores and to its end.</summary>
    public Task<(int ExitCode, string Output)> RunAsync(string project, string[] arguments, CancellationToken cancellationToken, params ReadOnlySpan<(string Name, string Value)> more) =>
        ChildProcess.RunAsync(project, Environment(more), cancellationToken, arguments);

    /// <summary>What a user types, on a device of its own.</summary>
    public Task<(int ExitCode, string Output)> RunClientAsync(string user, string[] arguments, CancellationToken cancellationToken, string scope = "stories.post stories.view", string device = "laptop") =>
        ChildProcess.RunAsync("Client", new Dictionary<string, string>
        {
            ["STORIES_API"] = Address.ToString(),
            ["STORIES_TOKEN"] = Token(user, scope),
            ["STORIES_HOME"] = Path.Combine(folder, ChatApp, user, device),
        }, cancellationToken, arguments);

    public string Token(string user, string scope = "stories.post stories.view", string app = ChatApp, TimeSpan? life = null, SecurityKey? key = null, string algorithm = SecurityAlgorithms.EcdsaSha256,
        string issuer = "https://issuer.test", string? audience = null, (string Name, string Value)? more = null) =>
        new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience ?? app,
            Expires = (Clock.GetUtcNow() + (life ?? TimeSpan.FromDays(30))).UtcDateTime,
            Claims = new Dictionary<string, object>([new("sub", user), new("scope", scope), .. more is { } own ? [new(own.Name, own.Value)] : Array.Empty<KeyValuePair<string, object>>()]),
            SigningCredentials = new SigningCredentials(key ?? issuerKey, algorithm),
        });

    /// <summary>Bare HTTP in a user's name.</summary>
    public HttpClient Http(string user, string scope = "stories.post stories.view", string app = ChatApp)
    {
        var client = new HttpClient { BaseAddress = Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token(user, scope, app));
        return client;
    }

    /// <summary>The SDK on a device of a user.</summary>
    /// <param name="api">Another than the first one's.</param>
    public UserSession User(string user, string app = ChatApp, string device = "phone", Uri? api = null)
    {
        var session = new UserSession(api ?? Address, Token(user, "stories.post stories.view ops", app), new UserName(app, user), Path.Combine(folder, app, user, device), Clock);
        sessions.Add(session);
        return session;
    }

    public async Task SweepAsync()
    {
        await using var scope = Worker.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<ISweep>().RunAsync(CancellationToken.None);
    }

    /// <summary>Does the work of a story as a worker's thread would, when no other waits on its lane.</summary>
    public async Task ProcessAsync(Guid story, CancellationToken cancellationToken = default) =>
        await TakeTurnAsync(await ReadAsync(db => db.Stories.Where(s => s.Id == story).Select(s => s.Lane).SingleAsync()), cancellationToken: cancellationToken);

    /// <summary>What a worker's thread does for one job.</summary>
    public async Task TakeTurnAsync(Lane lane, IServiceProvider? worker = null, CancellationToken cancellationToken = default)
    {
        await using var scope = (worker ?? Worker).CreateAsyncScope();
        await (lane == Lane.Video
            ? scope.ServiceProvider.GetRequiredService<IProcessVideoStory>().RunAsync(cancellationToken)
            : scope.ServiceProvider.GetRequiredService<IProcessPhotoStory>().RunAsync(cancellationToken));
    }

    public async Task<T> ReadAsync<T>(Func<StoriesDb, Task<T>> read)
    {
        await using var db = OperatorCommand.OpenDatabase(Database);
        return await read(db);
    }

    /// <summary>Looks until it is so: other processes have no event for us.</summary>
    public async Task UntilAsync(Func<StoriesDb, Task<bool>> isSo)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (!await ReadAsync(isSo))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(begin) < Patience, "It did not come to be.");
            await Task.Delay(Glance, TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Looks until so many of the service's requests stand before locks in the database: for each other, or for a test.</summary>
    public Task UntilWaitingAsync(int requests) => UntilAsync(async db => await db.Database.SqlQuery<int>(
        $"select count(*)::int as \"Value\" from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'").SingleAsync(TestContext.Current.CancellationToken) == requests);

    /// <summary>Looks until nobody has a turn at anything: whoever was killed, or cut off, has it until PostgreSQL notices, and a sweep would leave it to them.</summary>
    public Task UntilNobodyHasATurnAsync() => UntilAsync(async db => await db.Database.SqlQuery<int>(
        $"select count(*)::int as \"Value\" from pg_locks join pg_database on pg_database.oid = pg_locks.database where locktype = 'advisory' and datname = current_database()").SingleAsync(TestContext.Current.CancellationToken) == 0);

    /// <summary>As half a minute without its worker would, for all that is claimed.</summary>
    public Task EndLeasesAsync(CancellationToken cancellationToken) => ReadAsync(db => db.Database.ExecuteSqlRawAsync(
        "update stories set claimed_until = clock_timestamp() - interval '1 second' where work = 'Pending'", cancellationToken));

    /// <summary>
    /// Lets buckets end that have not been erased, in their order, with the stories in them. A real process's clock is not ours to
    /// move: what is due is moved instead.
    /// </summary>
    /// <param name="at">From now; negative: so long ago.</param>
    /// <param name="apart">From one to the next.</param>
    /// <param name="only">This one alone; null: all.</param>
    public Task EndBucketsAsync(CancellationToken cancellationToken, TimeSpan at = default, TimeSpan apart = default, Guid? only = null) => ReadAsync(db => db.Database.ExecuteSqlAsync($"""
        with ending as (
            select id, clock_timestamp() + {at} + {apart} * (row_number() over (order by ends_at, id) - 1) as ends_at from buckets where state <> 'Erased' and id = coalesce({only}, id)),
        moved as (update buckets b set ends_at = e.ends_at from ending e where e.id = b.id)
        update stories s set expires_at = e.ends_at from ending e where e.id = s.bucket_id
        """, cancellationToken));

    /// <summary>Moves the clock past the end of every bucket there is, and sweeps.</summary>
    public async Task LetEverythingEndAsync()
    {
        var last = await ReadAsync(db => db.Buckets.MaxAsync(b => (DateTimeOffset?)b.EndsAt));
        if (last is { } end) Clock.MoveTo(end + TimeSpan.FromSeconds(1));
        await SweepAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var line in Log.Lines.Where(l => l.StartsWith("Error", StringComparison.Ordinal) || l.StartsWith("Critical", StringComparison.Ordinal)))
            TestContext.Current.TestOutputHelper?.WriteLine(line);
        foreach (var session in sessions) session.Dispose();
        foreach (var host in hosts) host.Dispose();
        issuerKey.ECDsa.Dispose();
        // A worker's own folders are its to clear, and a killed one's are cleared by whoever starts next; here nobody does.
        using var leftovers = System.Diagnostics.Process.Start("rm", ["-rf", folder]);
        await leftovers.WaitForExitAsync();
        await servers.DropAsync(Database);
    }

    private static bool IsJobServer(ServiceDescriptor service) =>
        service.ImplementationType == typeof(SweepTimer) || service.ImplementationType == typeof(AuditTimer) || service.ImplementationType == typeof(FoldTimer) || service.ImplementationType == typeof(PlanTimer) || service.ImplementationType == typeof(CreativeTimer) ||
        service.ImplementationFactory?.Method.ReturnType == typeof(MediaLane) ||
        (service.ImplementationType?.Namespace ?? service.ImplementationFactory?.Method.DeclaringType?.FullName)?.StartsWith("Hangfire", StringComparison.Ordinal) == true;

    /// <summary>What a process of this service is started with; of two of a name the later counts.</summary>
    private Dictionary<string, string> Environment(ReadOnlySpan<(string Name, string Value)> more)
    {
        var environment = settings.Where(s => s.Value is not null).ToDictionary(s => s.Key.Replace(":", "__", StringComparison.Ordinal), s => s.Value!);
        environment["ASPNETCORE_ENVIRONMENT"] = "Test";
        foreach (var (name, value) in more) environment[name] = value;
        return environment;
    }

    private void Configure(IWebHostBuilder builder)
    {
        builder.UseEnvironment("Test").UseSetting("hostBuilder:reloadConfigOnChange", "false");
        foreach (var (key, value) in settings) builder.UseSetting(key, value);
        builder.ConfigureLogging(logging => logging.ClearProviders().AddProvider(Log).SetMinimumLevel(LogLevel.Information));
        builder.ConfigureTestServices(services => services
            .Replace(ServiceDescriptor.Singleton<TimeProvider>(Clock))
            .Replace(ServiceDescriptor.Singleton<ILoggerFactory>(provider => new LastingLoggerFactory(ActivatorUtilities.CreateInstance<LoggerFactory>(provider)))));
    }
}

/// <summary>One user's device, through the SDK.</summary>
public sealed class UserSession : IDisposable
{
    public UserSession(Uri service, string token, UserName self, string home, TimeProvider clock)
    {
        Self = self;
        Client = new StoriesClient(service, token);
        Store = DeviceStore.Open(home);
        Audiences = new Stories.Client.Audiences(Client, Store, self);
        Poster = new Poster(Client, Store, Audiences, self, clock);
        Viewer = new Viewer(Client, Store, Audiences);
    }

    public UserName Self { get; }
    public StoriesClient Client { get; }
    public DeviceStore Store { get; }
    public Stories.Client.Audiences Audiences { get; }
    public Poster Poster { get; }
    public Viewer Viewer { get; }

    public Task<Stories.Protocol.Contracts.StoryProgress> PostAsync(string[] files, Level level = Level.Processed, TimeSpan? lifetime = null, string? caption = null, CancellationToken cancellationToken = default) =>
        Poster.PostAsync(new Draft(files, level, lifetime ?? TimeSpan.FromHours(24), "friends", caption), (_, _) => { }, cancellationToken);

    public void Dispose()
    {
        Viewer.Dispose();
        Store.Dispose();
        Client.Dispose();
    }
}
