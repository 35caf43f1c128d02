using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.Tokens;
using Stories.Api.Hosting;
using Stories.Core;
using Stories.Core.Apps;
using Stories.Core.Data;

namespace Stories.Api.Operating;

/// <summary><c>app add|change|list|remove</c>: tenants are the operator's business, not the Api's.</summary>
internal static class ManageApps
{
    private static readonly string[] Settings = ["--issuer", "--audience", "--keys", "--origins", "--shares-with", "--grants"];

    public static async Task<int> AddAsync(IConfiguration configuration, string id, string[] options)
    {
        OperatorCommand.RefuseUnknown(options, Settings, flags: ["--development"]);
        var development = options.Contains("--development");
        var (issuer, audience, keys) = development
            ? (DevelopmentIssuer.Name, id, DevelopmentIssuer.PublicKeys(await DevelopmentIssuer.LoadAsync(configuration)))
            : (Required(options, "--issuer"), Required(options, "--audience"), await KeysAsync(Required(options, "--keys")));
        // Whoever holds a development app's key holds the machine too.
        var grants = Grants(options) ?? (development ? Scopes.BeyondTheApp : []);
        var app = App.Add(id, issuer, audience, keys, List(options, "--origins") ?? [], List(options, "--shares-with") ?? [], grants, development, TimeProvider.System.GetUtcNow());

        await using var db = OperatorCommand.OpenDatabase(configuration);
        if (await db.Apps.AnyAsync(a => a.Id == id)) throw new ArgumentException($"There is an app {id} already: app change {id} …");
        if (await db.Departures.AnyAsync(d => d.App == id && d.User == null)) throw new ArgumentException($"An earlier app {id} is still being erased. A worker finishes that, or: app remove {id}");
        db.Apps.Add(app);
        await RefuseTwinsAsync(db, app);
        await db.SaveChangesAsync();
        await Migrate.ApplyOriginsAsync(configuration, db);
        return 0;
    }

    /// <summary>What is not named stays, and so do the app's users. The Apis see it within seconds.</summary>
    public static async Task<int> ChangeAsync(IConfiguration configuration, string id, string[] options)
    {
        OperatorCommand.RefuseUnknown(options, Settings, flags: []);
        if (options.Length == 0) throw new ArgumentException($"Say what is to change: {string.Join(", ", Settings)}.");
        await using var db = OperatorCommand.OpenDatabase(configuration);
        var app = await db.Apps.SingleOrDefaultAsync(a => a.Id == id) ?? throw new ArgumentException($"There is no app {id}.");
        var (issuer, audience, keys) = (OperatorCommand.Option(options, "--issuer"), OperatorCommand.Option(options, "--audience"), OperatorCommand.Option(options, "--keys"));
        if (app.IsDevelopment && (issuer ?? audience ?? keys) is not null) throw new ArgumentException("A development app's tokens are minted here: it has no other issuer.");
        app.Change(issuer, audience, keys is null ? null : await KeysAsync(keys), List(options, "--origins"), List(options, "--shares-with"), Grants(options));
        await RefuseTwinsAsync(db, app);
        await db.SaveChangesAsync();
        await Migrate.ApplyOriginsAsync(configuration, db);
        return 0;
    }

    /// <summary>Everything of the app's users goes too, whether hosts run or not; cut off, it is finished by a worker's sweep or by the same command.</summary>
    public static async Task<int> RemoveAsync(IConfiguration configuration, string id)
    {
        await using var services = new ServiceCollection().AddSingleton(configuration).AddLogging().AddStoriesCore(configuration).BuildServiceProvider();
        await using var scope = services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<StoriesDb>();
        if (!await db.Apps.AnyAsync(a => a.Id == id) && !await db.Departures.AnyAsync(d => d.App == id && d.User == null)) throw new ArgumentException($"There is no app {id}.");

        var users = await db.Database.SqlQuery<int>($"""
            select count(*)::int as "Value" from (
                select "user" from devices where app = {id} union select owner_user from audiences where owner_app = {id} union
                select "user" from audience_members where app = {id} union select "user" from uploads where app = {id} union select "user" from stories where app = {id}) u
            """).SingleAsync();
        Console.WriteLine($"Erasing {users} users and {await db.Stories.CountAsync(s => s.App == id)} stories.");
        await scope.ServiceProvider.GetRequiredService<EraseDeparted>().RunAsync(id, user: null, CancellationToken.None);
        await Migrate.ApplyOriginsAsync(configuration, db);
        return 0;
    }

    public static async Task<int> ListAsync(IConfiguration configuration)
    {
        await using var db = OperatorCommand.OpenDatabase(configuration);
        foreach (var app in await db.Apps.OrderBy(a => a.Id).ToListAsync())
            Console.WriteLine($"{app.Id,-20} {app.Issuer}  shares with: {Words(app.SharesWith)}  grants: {Words(app.Grants)}{(app.IsDevelopment ? "  (development)" : "")}");
        return 0;
    }

    /// <summary>A token's issuer and audience say whose it is.</summary>
    private static async Task RefuseTwinsAsync(StoriesDb db, App app)
    {
        if (await db.Apps.Where(a => a.Id != app.Id && a.Issuer == app.Issuer && a.TokenAudience == app.TokenAudience).Select(a => a.Id).FirstOrDefaultAsync() is { } twin)
            throw new ArgumentException($"The app {twin} has this issuer and audience already.");
    }

    private static async Task<string> KeysAsync(string file)
    {
        if (!File.Exists(file)) throw new ArgumentException($"There is no file {file}.");
        var text = await File.ReadAllTextAsync(file);
        if (new JsonWebKeySet(text).GetSigningKeys().Count == 0) throw new ArgumentException("The key file holds no signing key (a JSON Web Key Set with public keys is expected).");
        return text;
    }

    private static string Required(string[] options, string name) => OperatorCommand.Option(options, name) ?? throw new ArgumentException($"{name} is missing.");

    private static string[]? Grants(string[] options)
    {
        var grants = List(options, "--grants");
        return grants?.Except(Scopes.BeyondTheApp).FirstOrDefault() is { } other
            ? throw new ArgumentException($"{other} is not granted: only {string.Join(", ", Scopes.BeyondTheApp)}, which reach beyond the app.") : grants;
    }

    private static string[]? List(string[] options, string name) => OperatorCommand.Option(options, name)?.Split(',', StringSplitOptions.RemoveEmptyEntries);

    private static string Words(string[] list) => list.Length == 0 ? "-" : string.Join(", ", list);
}
