using System.CommandLine;
using Stories.Client.Sessions;
using Stories.Protocol;

namespace Stories.Client.Cli;

internal static class EraseCommand
{
    public static Command Build()
    {
        var user = new Argument<string>("user") { Description = "app/user: yourself, or with a moderator's token somebody of the same app." };
        var command = new Command("erase", "Erases everything of a user: stories, uploads, devices, audiences. There is no way back.") { user };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            if (!UserName.TryParse(arguments.GetValue(user), out var name)) throw new UsageException($"{arguments.GetValue(user)} is not written app/user.");
            await session.Client.EraseUserAsync(name, cancellationToken);
            if (name == session.Self)
                foreach (var audience in session.Store.AudienceNames) session.Store.ForgetAudience(session.Store.FindAudience(audience)!.Value);
            printer.Print(new { user = name.ToString(), erased = true }, () => Console.WriteLine($"Everything of {name} is gone."));
            return ExitCodes.Done;
        });
        return command;
    }
}
