using System.CommandLine;
using Stories.Client.Sessions;
using Stories.Client.Sponsored;
using Stories.Protocol;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Cli;

/// <summary>What advertisers show, what reviewers decide about it, and what anybody may look up.</summary>
internal static class AdCreativeCommands
{
    public static IEnumerable<Command> Build() => [Creative(), Creatives(), Appeal(), Withdraw(), Review(), Repository(), Erase()];

    private static Command Creative()
    {
        var file = new Argument<string>("file") { Description = "A picture or a video of 3 to 60 s, 9:16." };
        var headline = new Option<string>("--headline") { Description = "At most 34 characters.", Required = true };
        var brand = new Option<string>("--brand") { Description = "At most 25 characters.", Required = true };
        var payer = new Option<string>("--payer") { Description = "Who pays.", Required = true };
        var beneficiary = new Option<string?>("--beneficiary") { Description = "On whose behalf; without it the payer." };
        var alt = new Option<string>("--alt") { Description = "What is to be seen, for who cannot see it.", Required = true };
        var language = new Option<string>("--language") { Description = "For instance en.", DefaultValueFactory = _ => "en" };
        var label = new Option<string>("--label") { Description = "What marks it.", DefaultValueFactory = _ => "Sponsored" };
        var url = new Option<string?>("--url") { Description = "Opens this https address, the same for everybody." };
        var message = new Option<string?>("--message") { Description = "Opens a conversation with this APP/USER; with --draft and --code." };
        var draft = new Option<string?>("--draft") { Description = "What stands in the message before the person changes it." };
        var code = new Option<string?>("--code") { Description = "Says from which creative it comes." };
        var product = new Option<string?>("--product") { Description = "Opens this product." };
        var pay = new Option<Guid?>("--pay") { Description = "Hands this offer over to the app's payment screen." };
        var ai = new Option<bool>("--made-by-ai") { Description = "Pictures or voices are not of what they seem to be." };
        var adults = new Option<bool>("--adults-only") { Description = "Goods that minors may not be offered." };
        var finance = new Option<bool>("--finance") { Description = "Credit, investments or insurance." };
        var noSubmit = new Option<bool>("--no-submit") { Description = "Not to hand it in for review yet." };
        var command = new Command("creative", "Encrypts and uploads a file, has it made and checked, and hands it in for review.")
            { file, headline, brand, payer, beneficiary, alt, language, label, url, message, draft, code, product, pay, ai, adults, finance, noSubmit };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var action = (arguments.GetValue(url), arguments.GetValue(message), arguments.GetValue(product), arguments.GetValue(pay)) switch
            {
                (null, null, null, null) => CallToAction.None,
                ({ } address, null, null, null) => new CallToAction(CallToActionKind.OpenUrl, address),
                (null, { } business, null, null) => new CallToAction(CallToActionKind.MessageBusiness, business, arguments.GetValue(draft), arguments.GetValue(code)),
                (null, null, { } what, var offer) => new CallToAction(CallToActionKind.OpenProduct, what, Offer: offer),
                (null, null, null, { } offer) => new CallToAction(CallToActionKind.Pay, Offer: offer),
                _ => throw new UsageException("One call to action: --url, --message, --product or --pay."),
            };
            var who = arguments.GetValue(payer)!;
            var facts = new CreativeFacts(arguments.GetValue(label)!, arguments.GetValue(brand)!, arguments.GetValue(headline)!, arguments.GetValue(beneficiary) ?? who, who, arguments.GetValue(alt)!,
                arguments.GetValue(language)!, action, new Disclosures(arguments.GetValue(ai), arguments.GetValue(adults), arguments.GetValue(finance)));
            var creatives = new AdCreatives(session.Client);
            // The facts first: what is refused by them need not be uploaded.
            var creative = await creatives.PrepareAsync(facts, cancellationToken: cancellationToken);
            var (upload, ciphertext) = await session.Poster.UploadAsync(arguments.GetValue(file)!, Level.Clear, (_, _) => { }, cancellationToken);
            await creatives.MakeAsync(creative.Id, upload, ciphertext, cancellationToken: cancellationToken);
            creative = await creatives.FollowAsync(creative.Id, cancellationToken);
            if (creative.State == CreativeState.Ready && !arguments.GetValue(noSubmit)) creative = await creatives.SubmitAsync(creative.Id, cancellationToken: cancellationToken);
            printer.Print(creative, () => Print(creative));
            return creative.State is CreativeState.Ready or CreativeState.InReview ? ExitCodes.Done : ExitCodes.Refused;
        });
        return command;
    }

    private static Command Creatives()
    {
        var command = new Command("creatives", "Lists your own.");
        command.OnRun(async (session, _, printer, cancellationToken) =>
        {
            var list = (await new AdCreatives(session.Client).ListAsync(cancellationToken)).Creatives;
            printer.Print(list, () =>
            {
                if (list.Count == 0) Console.WriteLine("You have none.");
                foreach (var creative in list) Print(creative);
            });
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Appeal()
    {
        var creative = new Argument<Guid>("creative");
        var note = new Option<string>("--note") { Description = "Why it should be looked at again.", Required = true };
        var command = new Command("appeal", "Asks once for another look at a refused creative.") { creative, note };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var view = await new AdCreatives(session.Client).AppealAsync(arguments.GetValue(creative), arguments.GetValue(note)!, cancellationToken: cancellationToken);
            printer.Print(view, () => Print(view));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Withdraw()
    {
        var creative = new Argument<Guid>("creative");
        var command = new Command("withdraw", "Takes a creative back: it is handed out to nobody any more.") { creative };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var view = await new AdCreatives(session.Client).WithdrawAsync(arguments.GetValue(creative), cancellationToken: cancellationToken);
            printer.Print(view, () => Print(view));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Review()
    {
        var creative = new Argument<Guid?>("creative") { Description = "Without it: what waits.", DefaultValueFactory = _ => null };
        var approve = new Option<bool>("--approve");
        var reject = new Option<string[]>("--reject") { Description = $"One of {string.Join(", ", Enum.GetValues<ReviewReason>().Select(Words.Of))}; may be repeated." };
        var suspend = new Option<string[]>("--suspend") { Description = "Stops an approved one, for the same reasons." };
        var note = new Option<string?>("--note") { Description = "To its owner." };
        var command = new Command("review", "For reviewers: shows what waits, or decides about one.") { creative, approve, reject, suspend, note };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var creatives = new AdCreatives(session.Client);
            if (arguments.GetValue(creative) is not { } id)
            {
                var queue = (await creatives.ListReviewsAsync(cancellationToken)).Creatives;
                printer.Print(queue, () =>
                {
                    if (queue.Count == 0) Console.WriteLine("Nothing waits.");
                    foreach (var item in queue)
                    {
                        Print(item.Creative);
                        Console.WriteLine($"    of {Words.Printable(item.Advertiser)} ({Words.Printable(item.LegalName)}, {item.Country})");
                        foreach (var media in item.Creative.Media) Console.WriteLine($"    {media.File.Name}, {media.File.Width}×{media.File.Height}: {media.Url}");
                    }
                });
                return ExitCodes.Done;
            }
            var (rejected, suspended) = (arguments.GetValue(reject) ?? [], arguments.GetValue(suspend) ?? []);
            var (decision, reasons) = (arguments.GetValue(approve), rejected.Length > 0, suspended.Length > 0) switch
            {
                (true, false, false) => (ReviewDecision.Approve, (string[])[]),
                (false, true, false) => (ReviewDecision.Reject, rejected),
                (false, false, true) => (ReviewDecision.Suspend, suspended),
                _ => throw new UsageException("One of --approve, --reject REASON and --suspend REASON."),
            };
            var parsed = reasons.Select(r => Enum.TryParse<ReviewReason>(r, ignoreCase: true, out var reason) ? reason : throw new UsageException($"{r} is no reason.")).ToList();
            var view = await creatives.ReviewAsync(id, new ReviewRequest(decision, parsed, arguments.GetValue(note)), cancellationToken: cancellationToken);
            printer.Print(view, () => Print(view));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Repository()
    {
        var command = new Command("repository", "What was shown within the last year; for anybody.");
        command.OnRun(async (session, _, printer, cancellationToken) =>
        {
            var (creatives, entries) = (new AdCreatives(session.Client), new List<RepositoryEntry>());
            string? before = null;
            do
            {
                var page = await creatives.ShowRepositoryAsync(before, cancellationToken);
                entries.AddRange(page.Entries);
                before = page.Before;
            }
            while (before is not null);
            printer.Print(entries, () =>
            {
                if (entries.Count == 0) Console.WriteLine("Nothing was shown.");
                foreach (var entry in entries)
                {
                    Console.WriteLine($"{entry.Digest}  {Words.Printable(entry.Facts.Brand)}, {Words.Printable(entry.Facts.Headline)}");
                    Console.WriteLine($"    of {Words.Printable(entry.LegalName)}, for {Words.Printable(entry.Facts.Beneficiary)}, paid by {Words.Printable(entry.Facts.Payer)}; last shown {entry.LastShownAt.ToLocalTime():d MMM HH:mm}");
                }
            });
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Erase()
    {
        var digest = new Argument<string>("digest") { Description = "As the repository shows it, all of it." };
        var reason = new Option<string>("--reason") { Description = "As of review.", Required = true };
        reason.AcceptOnlyFromAmong([.. Enum.GetValues<ReviewReason>().Select(Words.Of)]);
        var command = new Command("erase", "For reviewers: erases the bytes of what may not lie anywhere, within seconds and for good; that it was shown stays known.") { digest, reason };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var what = arguments.GetValue(digest)!;
            await new AdCreatives(session.Client).EraseAsync(what, Enum.Parse<ReviewReason>(arguments.GetValue(reason)!, ignoreCase: true), cancellationToken);
            printer.Print(new { digest = what, erased = true }, () => Console.WriteLine($"Erased: {what}"));
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Print(CreativeView creative)
    {
        Console.WriteLine($"{creative.Id}  {Words.Of(creative.State)}{(creative.Code is null ? "" : $" [{creative.Code}]")}  {Words.Printable(creative.Facts.Brand)}, {Words.Printable(creative.Facts.Headline)}");
        if (creative.Digest is { } digest) Console.WriteLine($"    {digest[..12]}  {string.Join(", ", creative.Media.Select(m => $"{m.File.Name} {m.File.Width}×{m.File.Height}"))}");
        foreach (var review in creative.Reviews)
            Console.WriteLine($"    {(review.Decision is { } decision ? Words.Of(decision) : "appeal")} {string.Join(", ", review.Reasons.Select(Words.Of))} {(review.Note is null ? "" : Words.Printable(review.Note))}".TrimEnd());
    }
}
