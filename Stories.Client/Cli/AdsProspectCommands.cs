using System.CommandLine;
using Stories.Client.Sessions;
using Stories.Client.Sponsored;
using Stories.Protocol.Contracts;
using Stories.Protocol.Sponsored;

namespace Stories.Client.Cli;

/// <summary><c>ads forecast</c> and <c>ads explain</c>: what a line would bring, and why it does what it does.</summary>
internal static class AdsProspectCommands
{
    private const int BarWidth = 40;

    public static IEnumerable<Command> Build() => [Forecast(), Explain()];

    private static Command Forecast()
    {
        var line = new Argument<Guid?>("line") { Description = "One of your own, as it is or with other terms; without it terms alone.", DefaultValueFactory = _ => null };
        var command = new Command("forecast", "What a line would bring until its end; changes nothing.") { line };
        var terms = new LineOptions(command);
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var (ads, id) = (new AdsClient(session.Client), arguments.GetValue(line));
            var before = id is { } own ? (await ads.ReadLineAsync(own, cancellationToken)).Terms : LineOptions.Usual(TimeProvider.System.GetUtcNow());
            var forecast = await ads.ForecastAsync(new ForecastRequest(terms.Read(arguments, before), id), cancellationToken);
            printer.Print(forecast, () => Print(forecast));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Explain()
    {
        var line = new Argument<Guid>("line");
        var command = new Command("explain", "Why a line of yours does what it does at this moment.") { line };
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var found = await new AdsClient(session.Client).ExplainAsync(arguments.GetValue(line), cancellationToken);
            printer.Print(found, () => Print(found));
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Print(ForecastView forecast)
    {
        Console.WriteLine($"{forecast.Deliverable:#,0} views{(forecast.Wanted is { } wanted ? $" of the {wanted:#,0} that the budget pays for" : "")}, for {AdsCommand.Money(forecast.DeliverableMicros)}");
        Console.WriteLine($"{forecast.Available:#,0} of {forecast.Opportunities:#,0} places could be its own ({forecast.SharePerMille / 10.0:0.0} %), by what {forecast.LearnedDays} days have taught");
        Console.WriteLine(forecast.IsFeasible ? "There are people enough." : "There are not people enough.");
        foreach (var warning in forecast.Warnings) Console.WriteLine($"    {Words.Of(warning)}");
        if (forecast.Days.Count == 0) return;
        Console.WriteLine();
        Console.WriteLine($"  {"",-10} {"places",12} {"available",12} {"wanted",12} {"views",12}");
        var most = forecast.Days.Max(d => d.Deliverable);
        foreach (var day in forecast.Days)
            Console.WriteLine($"  {day.Day:yyyy-MM-dd} {day.Opportunities,12:#,0} {day.Available,12:#,0} {(day.Wanted is { } views ? views.ToString("#,0", System.Globalization.CultureInfo.CurrentCulture) : "–"),12} {day.Deliverable,12:#,0}  {Bar(day.Deliverable, most)}".TrimEnd());
    }

    private static void Print(LineExplanation found)
    {
        Console.WriteLine($"{found.Line}  {Words.Of(found.Effective)}{(found.Blockers.Count == 0 ? ": nothing keeps it" : "")}");
        foreach (var blocker in found.Blockers)
            Console.WriteLine($"    {Words.Of(blocker.Code)}: {Words.Printable(blocker.Fix)}{(blocker.NextCheck is { } next ? $" ({next.ToLocalTime():d MMM HH:mm})" : "")}");
        if (found.Plan is { } plan)
            Console.WriteLine($"    planned {plan.Planned:#,0} of {plan.Budget:#,0} views until now, billed {plan.Billed:#,0} ({plan.ErrorPerMille / 10.0:+0.0;-0.0;0.0} %); planned again at {plan.NextEpoch.ToLocalTime():HH:mm}");
        if (found.Cells.Count == 0) return;
        var width = found.Cells.Max(c => c.Cell.Length);
        Console.WriteLine();
        Console.WriteLine($"  {"cell".PadRight(width)} {"places",10} {"pass",6} {"won",7} {"views",10}  lines before, beside");
        foreach (var cell in found.Cells)
            Console.WriteLine($"  {cell.Cell.PadRight(width)} {cell.Opportunities,10:#,0.0} {(cell.Pass is { } pass ? $"{pass}/{CatalogLine.MaxPass}" : "–"),6} {cell.WonPerMille / 10.0,5:0.0} % {cell.Expected,10:#,0.0}  {cell.Before}, {cell.Beside}  {Words.Of(cell.Verdict)}");
        if (found.MoreCells > 0) Console.WriteLine($"  and {found.MoreCells} more");
    }

    private static string Bar(long value, long most) => most <= 0 ? "" : new string('█', (int)Math.Ceiling((double)value / most * BarWidth));
}
