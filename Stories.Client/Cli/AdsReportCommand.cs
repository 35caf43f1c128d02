using System.CommandLine;
using System.Globalization;
using Stories.Client.Sessions;
using Stories.Client.Sponsored;
using Stories.Protocol.Contracts;

namespace Stories.Client.Cli;

/// <summary><c>ads report</c> and <c>ads statement</c>: numbers in a table, days and parts also as bars.</summary>
internal static class AdsReportCommand
{
    private const int BarWidth = 40;

    public static Command Build()
    {
        var kind = new Argument<string>("kind") { Description = "Which report." };
        kind.AcceptOnlyFromAmong([.. Enum.GetValues<ReportKind>().Select(Words.Of)]);
        var command = new Command("report", "What became of your lines.") { kind };
        Add(command, arguments => Enum.Parse<ReportKind>(arguments.GetValue(kind)!, ignoreCase: true));
        return command;
    }

    public static Command BuildStatement()
    {
        var command = new Command("statement", "What is to be paid, and what it is reckoned from.");
        Add(command, _ => ReportKind.Statement);
        return command;
    }

    private static void Add(Command command, Func<ParseResult, ReportKind> kind)
    {
        var by = new Option<string>("--by") { Description = "How it is broken down; parts other than days are noised, and shown only where they are large.", DefaultValueFactory = _ => "total" };
        by.AcceptOnlyFromAmong([.. Enum.GetValues<ReportBy>().Select(Words.Of)]);
        var line = new Option<Guid?>("--line") { Description = "Of one line alone." };
        var campaign = new Option<Guid?>("--campaign") { Description = "Of one campaign's lines." };
        var from = new Option<DateOnly?>("--from") { Description = "The first day, UTC; by itself 30 days." };
        var to = new Option<DateOnly?>("--to") { Description = "The last day; by itself today." };
        var csv = new Option<bool>("--csv") { Description = "Print comma-separated values." };
        foreach (var option in (Option[])[by, line, campaign, from, to, csv]) command.Add(option);
        command.OnRun(async (session, arguments, printer, cancellationToken) =>
        {
            var report = await new AdReports(session.Client).ReadAsync(
                new ReportRequest(kind(arguments), Enum.Parse<ReportBy>(arguments.GetValue(by)!, ignoreCase: true), arguments.GetValue(line), arguments.GetValue(campaign), arguments.GetValue(from), arguments.GetValue(to)),
                cancellationToken);
            if (arguments.GetValue(csv) && !printer.IsJson) Console.Write(report.ToCsv());
            else printer.Print(report, () => Print(report));
            return ExitCodes.Done;
        });
    }

    private static void Print(ReportView report)
    {
        Console.WriteLine($"{Words.Of(report.Kind)}, {report.From:yyyy-MM-dd} to {report.To:yyyy-MM-dd} (UTC){(report.Currency is null ? "" : $", sums in {report.Currency}")}");
        if (report.Rows.Count == 0) Console.WriteLine("You have no lines.");
        foreach (var line in report.Rows.GroupBy(r => r.Line))
        {
            Console.WriteLine();
            Console.WriteLine($"{line.First().Name}  {line.Key}");
            if (report.By == ReportBy.Total) PrintTotal(report, line.Single());
            else PrintParts(report, [.. line]);
        }
    }

    /// <summary>One number below the other, each with its bar: a total's numbers are parts of each other.</summary>
    private static void PrintTotal(ReportView report, ReportRow row)
    {
        var columns = report.Columns.Zip(row.Values, (name, value) => (Name: name, Value: value)).ToList();
        var most = columns.Where(c => !IsSum(c.Name)).Select(c => c.Value).Append(0).Max();
        foreach (var (name, value) in columns) Console.WriteLine($"  {name,-20} {Text(name, value),16}  {(IsSum(name) ? "" : Bar(value, most))}".TrimEnd());
        Console.WriteLine($"  {Words.Of(row.State)}, final {row.FinalAt:yyyy-MM-dd HH:mm} UTC{(row.Marks.Count == 0 || row.Blockers is not null ? "" : $"  ({string.Join(", ", row.Marks)})")}");
        if (row.Status is { } status) Console.WriteLine($"  {Words.Of(status)}{(row.Blockers is { Count: 0 } ? ": nothing keeps it" : "")}");
        foreach (var blocker in row.Blockers ?? []) Console.WriteLine($"    {Words.Of(blocker.Code)}{(blocker.Since is { } since ? $" since {since:yyyy-MM-dd HH:mm}" : "")}: {blocker.Fix}");
    }

    /// <summary>A row for each, with a bar for the first number.</summary>
    private static void PrintParts(ReportView report, IReadOnlyList<ReportRow> rows)
    {
        var shown = Enumerable.Range(0, report.Columns.Count).Where(i => i == 0 || rows.Any(r => r.Values[i] != 0)).ToList();
        var keys = rows.Max(r => r.Key!.Length);
        Console.WriteLine($"  {new string(' ', keys)} {string.Join(' ', shown.Select(i => $"{report.Columns[i],12}"))}");
        var most = rows.Max(r => r.Values[0]);
        foreach (var row in rows)
            Console.WriteLine($"  {row.Key!.PadRight(keys)} {string.Join(' ', shown.Select(i => $"{Text(report.Columns[i], row.Values[i]),12}"))}  {Bar(row.Values[0], most)}".TrimEnd());
        Console.WriteLine($"  {rows.Count(r => r.State == ReportState.Final)} of {rows.Count} rows are final.");
    }

    private static bool IsSum(string column) => column.EndsWith("Micros", StringComparison.Ordinal) || column is "meanFrequency" or "errorPerMille";

    private static string Text(string column, decimal value) =>
        column.EndsWith("Micros", StringComparison.Ordinal) ? (value / 1_000_000).ToString("0.00####", CultureInfo.InvariantCulture) : value.ToString(CultureInfo.InvariantCulture);

    private static string Bar(decimal value, decimal most) => most <= 0 ? "" : new string('█', (int)Math.Ceiling(value / most * BarWidth));
}
