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
        var command = new Command("ads", "Sponsored statuses: book, review, see what became of it.") { Register(), Account(), Advertisers(), Verify(), Suspend(), Fund(), Transfers(), AdsReportCommand.Build(), AdsReportCommand.BuildStatement() };
        foreach (var part in (IEnumerable<Command>)[.. AdsCampaignCommands.Build(), .. AdsLineCommands.Build(), .. AdsOfferCommands.Build(), .. AdCreativeCommands.Build()]) command.Add(part);
        return command;
    }

    private static Command Register()
    {
        var name = new Argument<string>("name") { Description = "As a register knows it." };
        var display = new Option<string?>("--display") { Description = "As viewers see it, at most 40 characters; without it the name." };
        var country = new Option<string>("--country") { Description = "For instance DE.", Required = true };
        var contact = new Option<string>("--contact") { Description = "Whom an operator asks.", Required = true };
        var currency = new Option<string>("--currency") { DefaultValueFactory = _ => "EUR", Description = "Of the wallet; it stays." };
        var offers = new Option<bool>("--offers") { Description = "This device signs your offers from now on; what another has signed is revoked." };
        var command = new Command("register", "Registers you as an advertiser, or changes what is known of you.") { name, display, country, contact, currency, offers };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var (ads, legal) = (new AdsClient(session.Client), arguments.GetValue(name)!);
            using var signer = session.Store.OpenOfferKey();
            // What stands there is replaced whole, and another device's key would go with it.
            var key = arguments.GetValue(offers) ? signer.PublicKey : (await FindAsync(ads, cancellationToken))?.OfferKey;
            var view = await ads.RegisterAsync(
                new AdvertiserRequest(legal, arguments.GetValue(display) ?? legal, arguments.GetValue(country)!, arguments.GetValue(contact)!, arguments.GetValue(currency)!, key), cancellationToken: cancellationToken);
            printer.Print(view, () => Print(view));
            return ExitCodes.Done;
        });
        return command;
    }

    private static async Task<AdvertiserView?> FindAsync(AdsClient ads, CancellationToken cancellationToken)
    {
        try
        {
            return await ads.ReadAdvertiserAsync(cancellationToken);
        }
        catch (StoriesProblemException problem) when (problem.Code == ProblemCodes.NotFound)
        {
            return null;
        }
    }

    private static Command Account()
    {
        var command = new Command("account", "What is known of you as an advertiser, and what is in your wallet.");
        command.OnRun(async (session, _, printer, cancellationToken) =>
        {
            var view = await new AdsClient(session.Client).ReadAdvertiserAsync(cancellationToken);
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

    public static string Money(long micros) => (micros / Micros).ToString("#,0.00####", CultureInfo.InvariantCulture);

    public static long ToMicros(decimal amount)
    {
        var micros = amount * Micros;
        return micros == decimal.Truncate(micros) && Math.Abs(micros) <= long.MaxValue ? (long)micros : throw new UsageException("An amount has at most six digits after its point.");
    }
}
