using System.CommandLine;
using Stories.Client.Sessions;
using Stories.Client.Sponsored;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Cli;

/// <summary>Campaigns of the caller's own.</summary>
internal static class AdsCampaignCommands
{
    public static IEnumerable<Command> Build() => [Found(), Change(), Campaigns()];

    private static Command Found()
    {
        var name = new Argument<string>("name");
        var objective = Objective();
        var budget = new Option<decimal?>("--budget") { Description = "All of its lines together are never billed above." };
        var notPolitical = new Option<bool>("--not-political") { Description = "You declare it; nothing political is shown." };
        var draft = new Option<bool>("--draft") { Description = "Not to start it yet." };
        var command = new Command("campaign", "Founds a campaign, active at once.") { name, objective, budget, notPolitical, draft };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var view = await new AdsClient(session.Client).FoundCampaignAsync(new CampaignRequest(
                arguments.GetValue(name)!, Parse(arguments.GetValue(objective)) ?? CampaignObjective.Reach, arguments.GetValue(budget) is { } most ? AdsCommand.ToMicros(most) : null,
                arguments.GetValue(notPolitical), arguments.GetValue(draft) ? ConfiguredStatus.Draft : ConfiguredStatus.Active), cancellationToken: cancellationToken);
            printer.Print(view, () => Print(view));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Change()
    {
        var campaign = new Argument<Guid>("campaign");
        var name = new Option<string?>("--name");
        var objective = Objective();
        var budget = new Option<decimal?>("--budget") { Description = "All of its lines together are never billed above." };
        var noBudget = new Option<bool>("--no-budget") { Description = "Its lines' own budgets alone count." };
        var status = new Option<string?>("--status") { Description = "active, paused or archived, which is for good." };
        status.AcceptOnlyFromAmong([.. Enum.GetValues<ConfiguredStatus>().Except([ConfiguredStatus.Draft]).Select(Words.Of)]);
        var command = new Command("change-campaign", "Changes what is named, and leaves the rest as it is.") { campaign, name, objective, budget, noBudget, status };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var (ads, id) = (new AdsClient(session.Client), arguments.GetValue(campaign));
            var now = await ads.ReadCampaignAsync(id, cancellationToken);
            var most = arguments.GetValue(noBudget) ? null : arguments.GetValue(budget) is { } amount ? AdsCommand.ToMicros(amount) : now.BudgetMicros;
            // That it is not political was declared when it was founded, and holds for whatever it is changed to.
            var view = await ads.ChangeCampaignAsync(id, new CampaignRequest(arguments.GetValue(name) ?? now.Name, Parse(arguments.GetValue(objective)) ?? now.Objective, most, NotPolitical: true,
                arguments.GetValue(status) is { } wished ? Enum.Parse<ConfiguredStatus>(wished, ignoreCase: true) : null), cancellationToken: cancellationToken);
            printer.Print(view, () => Print(view));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Campaigns()
    {
        var command = new Command("campaigns", "Lists your own.");
        command.OnRun(async (session, _, printer, cancellationToken) =>
        {
            var list = (await new AdsClient(session.Client).ListCampaignsAsync(cancellationToken)).Campaigns;
            printer.Print(list, () =>
            {
                if (list.Count == 0) Console.WriteLine("You have none.");
                foreach (var view in list) Print(view);
            });
            return ExitCodes.Done;
        });
        return command;
    }

    private static Option<string?> Objective()
    {
        var objective = new Option<string?>("--objective") { Description = "What it is for: reach, conversations, product or payments." };
        objective.AcceptOnlyFromAmong([.. Enum.GetValues<CampaignObjective>().Select(Words.Of)]);
        return objective;
    }

    private static CampaignObjective? Parse(string? objective) => objective is null ? null : Enum.Parse<CampaignObjective>(objective, ignoreCase: true);

    private static void Print(CampaignView view) => Console.WriteLine(
        $"{view.Id}  {Words.Of(view.Status),-8}  {Words.Printable(view.Name)}  {AdsCommand.Money(view.SettledMicros)}{(view.BudgetMicros is { } budget ? $" of {AdsCommand.Money(budget)}" : "")}");
}
