using System.CommandLine;
using System.Globalization;
using Stories.Client.Sessions;
using Stories.Client.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Cli;

/// <summary>Sponsored statuses from an advertiser's side, a reviewer's and an operator's.</summary>
internal static class AdsCommand
{
    private const decimal Micros = 1_000_000;

    public static Command Build()
    {
        var command = new Command("ads", "Sponsored statuses: book, review, see what became of it.") { Register(), Advertisers(), Verify(), Suspend(), Fund(), Campaign(), Line(), Lines(), Status(), Transfers(), AdsReportCommand.Build(), AdsReportCommand.BuildStatement() };
        foreach (var part in AdCreativeCommands.Build()) command.Add(part);
        return command;
    }

    private static Command Register()
    {
        var name = new Argument<string>("name") { Description = "As a register knows it." };
        var display = new Option<string?>("--display") { Description = "As viewers see it, at most 40 characters; without it the name." };
        var country = new Option<string>("--country") { Description = "For instance DE.", Required = true };
        var contact = new Option<string>("--contact") { Description = "Whom an operator asks.", Required = true };
        var currency = new Option<string>("--currency") { DefaultValueFactory = _ => "EUR", Description = "Of the wallet; it stays." };
        var command = new Command("register", "Registers you as an advertiser, or changes what is known of you.") { name, display, country, contact, currency };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var legal = arguments.GetValue(name)!;
            var view = await new AdsClient(session.Client).RegisterAsync(
                new AdvertiserRequest(legal, arguments.GetValue(display) ?? legal, arguments.GetValue(country)!, arguments.GetValue(contact)!, arguments.GetValue(currency)!), cancellationToken: cancellationToken);
            printer.Print(view, () => Print(view));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Advertisers()
    {
        var command = new Command("advertisers", "For operators: who there is, those that have waited longest first.");
        command.OnRun(async (session, _, printer, cancellationToken) =>
        {
            var list = (await new AdsClient(session.Client).ListAdvertisersAsync(cancellationToken: cancellationToken)).Advertisers;
            printer.Print(list, () =>
            {
                if (list.Count == 0) Console.WriteLine("There are none.");
                foreach (var view in list) Print(view);
            });
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Verify() => Decide("verify", "For operators: it is who it says.", AdvertiserDecision.Verify);

    private static Command Suspend() => Decide("suspend", "For operators: nothing of it is handed out any more.", AdvertiserDecision.Suspend);

    private static Command Decide(string name, string what, AdvertiserDecision decision)
    {
        var advertiser = new Argument<Guid>("advertiser");
        var command = new Command(name, what) { advertiser };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var standing = await new AdsClient(session.Client).DecideAsync(arguments.GetValue(advertiser), decision, cancellationToken: cancellationToken);
            printer.Print(standing, () => Console.WriteLine($"{standing.Id}  {Words.Of(standing.State)}"));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Fund()
    {
        var advertiser = new Argument<Guid>("advertiser");
        var amount = new Argument<decimal>("amount") { Description = "Of the wallet's currency, for instance 250 or 12.50." };
        var reference = new Option<string>("--reference") { Description = "Of the payment; the same is booked once.", Required = true };
        var command = new Command("fund", "For operators: books a payment into a wallet.") { advertiser, amount, reference };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var transfer = await new AdsClient(session.Client).FundAsync(arguments.GetValue(advertiser), ToMicros(arguments.GetValue(amount)), arguments.GetValue(reference)!, cancellationToken: cancellationToken);
            printer.Print(transfer, () => Print(transfer));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Campaign()
    {
        var name = new Argument<string>("name");
        var objective = new Option<string>("--objective") { DefaultValueFactory = _ => "reach" };
        objective.AcceptOnlyFromAmong([.. Enum.GetValues<CampaignObjective>().Select(Words.Of)]);
        var budget = new Option<decimal?>("--budget") { Description = "All of its lines together are never billed above." };
        var notPolitical = new Option<bool>("--not-political") { Description = "You declare it; nothing political is shown." };
        var command = new Command("campaign", "Founds a campaign, active at once.") { name, objective, budget, notPolitical };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var view = await new AdsClient(session.Client).FoundCampaignAsync(new CampaignRequest(
                arguments.GetValue(name)!, Enum.Parse<CampaignObjective>(arguments.GetValue(objective)!, ignoreCase: true), arguments.GetValue(budget) is { } most ? ToMicros(most) : null,
                arguments.GetValue(notPolitical), ConfiguredStatus.Active), cancellationToken: cancellationToken);
            printer.Print(view, () => Console.WriteLine($"{view.Id}  {Words.Of(view.Status)}  {Words.Printable(view.Name)}"));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Line()
    {
        var campaign = new Argument<Guid>("campaign");
        var name = new Option<string>("--name") { Required = true };
        var creative = new Option<Guid[]>("--creative") { Description = "What it shows; may be repeated.", Required = true };
        var price = new Option<decimal>("--price") { Description = "For a thousand billed views.", Required = true };
        var budget = new Option<decimal>("--budget") { Description = "Never billed above, for its whole life.", Required = true };
        var daily = new Option<bool>("--daily") { Description = "The budget is for each day." };
        var days = new Option<double>("--days") { Description = "How long, from now.", DefaultValueFactory = _ => 7 };
        var zone = new Option<string>("--zone") { Description = "In which days and hours are counted, for instance Europe/Berlin.", DefaultValueFactory = _ => "UTC" };
        var hours = new Option<string[]>("--hours") { Description = "When, on all days, for instance 7-10; may be repeated." };
        var pacing = new Option<string>("--pacing") { DefaultValueFactory = _ => "even" };
        pacing.AcceptOnlyFromAmong([.. Enum.GetValues<Pacing>().Select(Words.Of)]);
        var countries = new Option<string[]>("--country") { Description = "Only there; may be repeated." };
        var languages = new Option<string[]>("--language") { Description = "Only for who reads it; may be repeated." };
        var cap = new Option<string[]>("--cap") { Description = "How often one device shows it, for instance 2/24h; may be repeated." };
        var command = new Command("line", "Books a line and starts it.") { campaign, name, creative, price, budget, daily, days, zone, hours, pacing, countries, languages, cap };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            // Whole seconds, as windows are: it begins at once.
            var now = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
            var terms = new LineTerms(
                Tier.Standard, Weight: 100, ToMicros(arguments.GetValue(price)), arguments.GetValue(daily) ? BudgetKind.Daily : BudgetKind.Lifetime, ToMicros(arguments.GetValue(budget)),
                now, now.AddDays(arguments.GetValue(days)), arguments.GetValue(zone)!, Enum.Parse<Pacing>(arguments.GetValue(pacing)!, ignoreCase: true),
                new Targets([], arguments.GetValue(countries) ?? [], arguments.GetValue(languages) ?? []), [.. (arguments.GetValue(hours) ?? []).Select(ParseHours)], [.. (arguments.GetValue(cap) ?? []).Select(ParseCap)]);
            var ads = new AdsClient(session.Client);
            var line = await ads.BookLineAsync(new LineRequest(arguments.GetValue(campaign), arguments.GetValue(name)!, terms, arguments.GetValue(creative)!), cancellationToken: cancellationToken);
            line = await ads.ChangeStatusAsync(line.Id, ConfiguredStatus.Active, cancellationToken: cancellationToken);
            printer.Print(line, () => Print(line));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Lines()
    {
        var command = new Command("lines", "Lists your own, with what they really do and what keeps them.");
        command.OnRun(async (session, _, printer, cancellationToken) =>
        {
            var list = (await new AdsClient(session.Client).ListLinesAsync(cancellationToken: cancellationToken)).Lines;
            printer.Print(list, () =>
            {
                if (list.Count == 0) Console.WriteLine("You have none.");
                foreach (var line in list) Print(line);
            });
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Status()
    {
        var line = new Argument<Guid>("line");
        var status = new Argument<string>("status");
        status.AcceptOnlyFromAmong([.. Enum.GetValues<ConfiguredStatus>().Except([ConfiguredStatus.Draft]).Select(Words.Of)]);
        var command = new Command("status", "Starts, pauses or archives a line.") { line, status };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var view = await new AdsClient(session.Client).ChangeStatusAsync(arguments.GetValue(line), Enum.Parse<ConfiguredStatus>(arguments.GetValue(status)!, ignoreCase: true), cancellationToken: cancellationToken);
            printer.Print(view, () => Print(view));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Transfers()
    {
        var command = new Command("transfers", "Your ledger, newest first.");
        command.OnRun(async (session, _, printer, cancellationToken) =>
        {
            var list = (await new AdsClient(session.Client).ListTransfersAsync(cancellationToken: cancellationToken)).Transfers;
            printer.Print(list, () =>
            {
                if (list.Count == 0) Console.WriteLine("Nothing was moved.");
                foreach (var transfer in list) Print(transfer);
            });
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Print(AdvertiserView view) =>
        Console.WriteLine($"{view.Id}  {Words.Of(view.State)}  {Words.Printable(view.DisplayName)} ({Words.Printable(view.LegalName)}, {view.Country})  {Money(view.Wallet.BalanceMicros)} {view.Wallet.Currency}");

    private static void Print(TransferView transfer) =>
        Console.WriteLine($"{transfer.At.ToLocalTime():d MMM HH:mm:ss}  {Words.Of(transfer.Kind),-10}  {Money(transfer.AmountMicros),12} {transfer.Currency}  {transfer.Debit} → {transfer.Credit}");

    private static void Print(LineView line)
    {
        Console.WriteLine($"{line.Id}  {Words.Of(line.Effective)}  {Words.Printable(line.Name)}  {line.Billed:#,0} views, {Money(line.SettledMicros)} of {Money(line.Terms.BudgetMicros)}{(line.Terms.BudgetKind == BudgetKind.Daily ? " a day" : "")}");
        foreach (var blocker in line.Blockers) Console.WriteLine($"    {Words.Of(blocker.Code)}: {Words.Printable(blocker.Fix)}");
    }

    private static string Money(long micros) => (micros / Micros).ToString("#,0.00####", CultureInfo.InvariantCulture);

    private static long ToMicros(decimal amount)
    {
        var micros = amount * Micros;
        return micros == decimal.Truncate(micros) && Math.Abs(micros) <= long.MaxValue ? (long)micros : throw new UsageException("An amount has at most six digits after its point.");
    }

    private static Daypart ParseHours(string text) =>
        text.Split('-') is [var from, var to] && int.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out var first) && int.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            ? new Daypart(Enum.GetValues<DayOfWeek>(), first, last)
            : throw new UsageException("Hours are written like 7-10.");

    private static Cap ParseCap(string text) =>
        text.Split('/') is [var most, var window] && int.TryParse(most, NumberStyles.None, CultureInfo.InvariantCulture, out var times) && Durations.TryParse(window, out var length)
            ? new Cap(CapLevel.Line, times, (int)length.TotalSeconds)
            : throw new UsageException("A cap is written like 2/24h.");
}
