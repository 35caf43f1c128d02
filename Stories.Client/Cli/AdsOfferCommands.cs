using System.CommandLine;
using Stories.Client.Sessions;
using Stories.Client.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Cli;

/// <summary>Offers: signed on this device, for <c>ads creative --pay</c>.</summary>
internal static class AdsOfferCommands
{
    public static IEnumerable<Command> Build() => [Keep(), Offers(), Revoke()];

    private static Command Keep()
    {
        var product = new Argument<string>("product") { Description = "What is offered, at most 100 characters." };
        var price = new Option<decimal>("--price") { Description = "All told.", Required = true };
        var currency = new Option<string?>("--currency") { Description = "Without it the wallet's." };
        var days = new Option<double>("--days") { Description = "How long it is taken, from now.", DefaultValueFactory = _ => 30 };
        var command = new Command("offer", "Signs an offer and hands it in; register --offers says that this device does so.") { product, price, currency, days };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var ads = new AdsClient(session.Client);
            using var signer = session.Store.OpenOfferKey();
            var own = await ads.ReadAdvertiserAsync(cancellationToken);
            if (own.OfferKey is null || !own.OfferKey.AsSpan().SequenceEqual(signer.PublicKey)) throw new UsageException("This device does not sign your offers: ads register … --offers.");
            var view = await ads.KeepOfferAsync(new Offer(Guid.NewGuid(), own.Id, own.DisplayName, arguments.GetValue(product)!, AdsCommand.ToMicros(arguments.GetValue(price)),
                arguments.GetValue(currency) ?? own.Wallet.Currency, TimeProvider.System.GetUtcNow().AddDays(arguments.GetValue(days)).ToUnixTimeSeconds()), signer, cancellationToken: cancellationToken);
            printer.Print(view, () => Print(view));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Offers()
    {
        var command = new Command("offers", "Lists your own.");
        command.OnRun(async (session, _, printer, cancellationToken) =>
        {
            var list = (await new AdsClient(session.Client).ListOffersAsync(cancellationToken)).Offers;
            printer.Print(list, () =>
            {
                if (list.Count == 0) Console.WriteLine("You have none.");
                foreach (var view in list) Print(view);
            });
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Revoke()
    {
        var offer = new Argument<Guid>("offer");
        var command = new Command("revoke", "Takes an offer back, for good: nothing with it is handed out any more.") { offer };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var view = await new AdsClient(session.Client).RevokeOfferAsync(arguments.GetValue(offer), cancellationToken: cancellationToken);
            printer.Print(view, () => Print(view));
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Print(OfferView view)
    {
        var offer = StoriesJson.ReadCanonical<Offer>(view.Record.Bytes);
        Console.WriteLine($"{view.Id}  {Words.Of(view.State)} until {view.ExpiresAt.ToLocalTime():d MMM yyyy HH:mm}  {(offer is null ? "" : $"{Words.Printable(offer.Product)}  {AdsCommand.Money(offer.PriceMicros)} {offer.Currency}")}");
    }
}
