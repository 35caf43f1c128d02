using System.CommandLine;
using Stories.Client.Sessions;
using Stories.Client.Sponsored;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Cli;

/// <summary>Lines of the caller's own: what is wished of them, and what they really do.</summary>
internal static class AdsLineCommands
{
    public static IEnumerable<Command> Build() => [Book(), Change(), Lines(), Status()];

    private static Command Book()
    {
        var campaign = new Argument<Guid>("campaign");
        var name = new Option<string>("--name") { Required = true };
        var creative = new Option<Guid[]>("--creative") { Description = "What it shows; may be repeated, or be given later." };
        var draft = new Option<bool>("--draft") { Description = "Not to start it yet." };
        var check = new Option<bool>("--check") { Description = "Only to say what it would be refused for." };
        var command = new Command("line", "Books a line and starts it.") { campaign, name, creative, draft, check };
        var terms = new LineOptions(command);
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var ads = new AdsClient(session.Client);
            var request = new LineRequest(arguments.GetValue(campaign), arguments.GetValue(name)!, terms.Read(arguments, LineOptions.Usual(TimeProvider.System.GetUtcNow())), arguments.GetValue(creative) ?? []);
            if (arguments.GetValue(check))
            {
                var found = await ads.CheckLineAsync(request, cancellationToken);
                printer.Print(found, () =>
                {
                    if (found.IsValid) Console.WriteLine("Nothing is wrong with it.");
                    foreach (var fault in found.Faults) Console.WriteLine(Failure.Say(fault));
                });
                return found.IsValid ? ExitCodes.Done : ExitCodes.Refused;
            }
            var line = await ads.BookLineAsync(request, cancellationToken: cancellationToken);
            if (!arguments.GetValue(draft)) line = await ads.ChangeStatusAsync(line.Id, ConfiguredStatus.Active, cancellationToken: cancellationToken);
            printer.Print(line, () => Print(line));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Change()
    {
        var line = new Argument<Guid>("line");
        var name = new Option<string?>("--name");
        var creative = new Option<Guid[]>("--creative") { Description = "What it shows from now on; may be repeated." };
        var command = new Command("change-line", "Changes what is named, and leaves the rest as it is.") { line, name, creative };
        var terms = new LineOptions(command);
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var (ads, id) = (new AdsClient(session.Client), arguments.GetValue(line));
            var view = await ads.ReadLineAsync(id, cancellationToken);
            var (wished, called) = (terms.Read(arguments, view.Terms), arguments.GetValue(name) ?? view.Name);
            if (wished != view.Terms || called != view.Name) view = await ads.ChangeTermsAsync(id, called, wished, cancellationToken: cancellationToken);
            if (arguments.GetValue(creative) is { Length: > 0 } creatives) view = await ads.ChangeCreativesAsync(id, creatives, cancellationToken: cancellationToken);
            printer.Print(view, () => Print(view));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Lines()
    {
        var line = new Argument<Guid?>("line") { Description = "Only this one, with its terms.", DefaultValueFactory = _ => null };
        var campaign = new Option<Guid?>("--campaign") { Description = "Only those of one." };
        var command = new Command("lines", "Lists your own, with what they really do and what keeps them.") { line, campaign };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var ads = new AdsClient(session.Client);
            if (arguments.GetValue(line) is { } id)
            {
                var view = await ads.ReadLineAsync(id, cancellationToken);
                printer.Print(view, () =>
                {
                    Print(view);
                    PrintTerms(view);
                });
                return ExitCodes.Done;
            }
            var list = (await ads.ListLinesAsync(arguments.GetValue(campaign), cancellationToken)).Lines;
            printer.Print(list, () =>
            {
                if (list.Count == 0) Console.WriteLine("You have none.");
                foreach (var view in list) Print(view);
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

    private static void Print(LineView line)
    {
        Console.WriteLine($"{line.Id}  {Words.Of(line.Effective)}  {Words.Printable(line.Name)}  {line.Billed:#,0} views, {AdsCommand.Money(line.SettledMicros)} of {AdsCommand.Money(line.Terms.BudgetMicros)}{(line.Terms.BudgetKind == BudgetKind.Daily ? " a day" : "")}");
        foreach (var blocker in line.Blockers)
            Console.WriteLine($"    {Words.Of(blocker.Code)}: {Words.Printable(blocker.Fix)}{(blocker.NextCheck is { } next ? $" ({next.ToLocalTime():d MMM HH:mm})" : "")}");
    }

    private static void PrintTerms(LineView line)
    {
        var terms = line.Terms;
        Console.WriteLine($"    {Words.Of(terms.Tier)}, weight {terms.Weight}, {AdsCommand.Money(terms.PriceMicros)} for a thousand views, pacing {Words.Of(terms.Pacing)}");
        Console.WriteLine($"    {terms.StartsAt.ToLocalTime():d MMM yyyy HH:mm} to {terms.EndsAt.ToLocalTime():d MMM yyyy HH:mm}, days of {terms.TimeZone}");
        foreach (var part in terms.Dayparts) Console.WriteLine($"    {string.Join(", ", part.Days.Select(d => d.ToString()[..3].ToLowerInvariant()))}: {part.FromHour} to {part.ToHour}");
        foreach (var cap in terms.Caps) Console.WriteLine($"    at most {cap.Most} in {Durations.Write(TimeSpan.FromSeconds(cap.Seconds))} of a {Words.Of(cap.Level)}");
        var targets = new[] { terms.Targets.Apps, terms.Targets.Countries, terms.Targets.Languages }.Where(t => t.Count > 0).Select(t => string.Join(", ", t)).ToList();
        Console.WriteLine($"    for {(targets.Count == 0 ? "everybody" : string.Join("; ", targets))}{(terms.Targets.AdultsOnly ? ", adults only" : "")}{(terms.Category is null ? "" : $", {terms.Category}")}");
        foreach (var creative in line.Creatives) Console.WriteLine($"    shows {creative}");
    }
}
