using Microsoft.EntityFrameworkCore;
using Stories.Core;
using Stories.Core.Data;

namespace Stories.Api.Operating;

/// <summary>What an operator runs once and by hand: <c>migrate</c>, <c>app</c>, <c>token</c>.</summary>
internal sealed class OperatorCommand(string name, string[] arguments)
{
    public static OperatorCommand? Parse(string[] args) =>
        args is [var first, .. var rest] && first is "migrate" or "app" or "token" ? new OperatorCommand(args[0], args[1..]) : null;

    public async Task<int> RunAsync(IConfiguration configuration)
    {
        try
        {
            return (name, arguments) switch
            {
                ("migrate", []) => await Migrate.RunAsync(configuration),
                ("app", ["add", var id, .. var options]) => await ManageApps.AddAsync(configuration, id, options),
                ("app", ["change", var id, .. var options]) => await ManageApps.ChangeAsync(configuration, id, options),
                ("app", ["remove", var id]) => await ManageApps.RemoveAsync(configuration, id),
                ("app", ["list"] or []) => await ManageApps.ListAsync(configuration),
                ("token", var options) => await MintToken.RunAsync(configuration, options),
                _ => await Usage(),
            };
        }
        catch (ArgumentException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 2;
        }
    }

    public static StoriesDb OpenDatabase(IConfiguration configuration) => OpenDatabase(
        configuration.GetConnectionString(CoreServices.ConnectionName) ?? throw new ArgumentException($"Set ConnectionStrings:{CoreServices.ConnectionName}."));

    public static StoriesDb OpenDatabase(string connectionString) => new(new DbContextOptionsBuilder<StoriesDb>().UseNpgsql(connectionString).Options);

    /// <summary>The value after <c>--name</c>.</summary>
    public static string? Option(string[] options, string name)
    {
        var at = Array.IndexOf(options, name);
        if (at < 0) return null;
        return at + 1 < options.Length && !options[at + 1].StartsWith("--", StringComparison.Ordinal) ? options[at + 1] : throw new ArgumentException($"{name} needs a value.");
    }

    /// <summary>What is not understood is not passed over: somebody believes that it was done.</summary>
    public static void RefuseUnknown(string[] options, string[] settings, string[] flags)
    {
        for (var at = 0; at < options.Length; at++)
        {
            if (settings.Contains(options[at])) _ = Option(options, options[at++]);
            else if (!flags.Contains(options[at])) throw new ArgumentException($"{options[at]} is not understood: there are {string.Join(", ", settings.Concat(flags))}.");
        }
    }

    private static async Task<int> Usage()
    {
        await Console.Error.WriteLineAsync("""
            migrate
            app add NAME --issuer URL --audience TEXT --keys FILE [--origins A,B] [--shares-with APP,APP] [--grants SCOPE,SCOPE]
            app add NAME --development [--origins A,B] [--shares-with APP,APP] [--grants SCOPE,SCOPE]
            app change NAME [--issuer URL] [--audience TEXT] [--keys FILE] [--origins A,B] [--shares-with APP,APP] [--grants SCOPE,SCOPE]
            app list
            app remove NAME
            (--grants: which of ads.review, ops and ops-act, that reach beyond the app, its issuer may give)
            token --app NAME --user USER [--scope "stories.post stories.view"]   (others: moderate, ops, ops-act)
            """);
        return 2;
    }
}
