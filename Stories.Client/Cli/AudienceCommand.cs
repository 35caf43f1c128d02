using System.CommandLine;
using Stories.Client.Sessions;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Client.Cli;

internal static class AudienceCommand
{
    public const string Default = "everyone";

    public static Command Build()
    {
        var name = new Argument<string?>("name") { Description = "As you call it; only this device knows the name. Without it all are listed.", Arity = ArgumentArity.ZeroOrOne };
        var add = new Option<string[]>("--add") { Description = "app/user to take in.", DefaultValueFactory = _ => [] };
        var remove = new Option<string[]>("--remove") { Description = "app/user to leave out: sees nothing that you post from now on.", DefaultValueFactory = _ => [] };
        var delete = new Option<bool>("--delete") { Description = "Delete it, with all that you posted to it." };
        var command = new Command("audience", "Shows or changes who may see what you post.") { name, add, remove, delete };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var (adding, removing) = (Names(arguments.GetValue(add)!), Names(arguments.GetValue(remove)!));
            var chosen = arguments.GetValue(name);
            if (arguments.GetValue(delete))
            {
                if (chosen is null || adding.Count + removing.Count > 0) throw new UsageException("Say which audience, and nothing else: audience NAME --delete.");
                if (!await session.Audiences.DeleteAsync(chosen, cancellationToken)) throw new UsageException($"You have no audience {chosen}.");
                printer.Print(new { audience = chosen, deleted = true }, () => Console.WriteLine($"Gone, with all that you posted to it: {chosen}"));
                return ExitCodes.Done;
            }
            if (adding.Count + removing.Count > 0)
            {
                if (chosen is null) throw new UsageException("Say which audience: audience NAME --add app/user.");
                await session.Audiences.RegisterAsync(cancellationToken);
                await session.Audiences.ChangeAsync(chosen, adding, removing, cancellationToken);
            }
            var shown = new List<Named>();
            foreach (var each in chosen is null ? session.Store.AudienceNames : [chosen])
            {
                var id = session.Store.FindAudience(each) ?? throw new UsageException($"You have no audience {each}. Adding somebody founds it: audience {each} --add app/user.");
                shown.Add(Named.Of(each, await session.Client.ReadAudienceAsync(id, cancellationToken)));
            }
            if (chosen is null) printer.Print(shown, () => Print(shown));
            else printer.Print(shown[0], () => Print(shown));
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Print(List<Named> audiences)
    {
        if (audiences.Count == 0) Console.WriteLine("You have no audience yet. The first post founds one.");
        foreach (var audience in audiences) Console.WriteLine($"{audience.Name}: {(audience.Members.Count > 0 ? string.Join(", ", audience.Members) : "nobody but you")}");
    }

    private static List<UserName> Names(string[] texts) =>
        [.. texts.Select(text => UserName.TryParse(text, out var name) ? name : throw new UsageException($"{text} is not written app/user."))];

    private sealed record Named(string Name, Guid Id, int Epoch, IReadOnlyList<string> Members)
    {
        public static Named Of(string name, AudienceView view) => new(name, view.Id, view.Epoch, view.Members ?? []);
    }
}
