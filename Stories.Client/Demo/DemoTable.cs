using Spectre.Console;

namespace Stories.Client.Demo;

/// <summary>The end of the show, at a glance.</summary>
internal static class DemoTable
{
    /// <summary>Wide enough for every row in a log that has no width of its own.</summary>
    private const int LogWidth = 160;

    public static void Print(IReadOnlyList<Act> acts)
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = LogWidth;
        var table = new Table().Border(TableBorder.Rounded).Caption("milliseconds; live: from accepted until viewers see it, or until it is refused");
        table.AddColumns("", "what");
        foreach (var name in (string[])["encrypt", "upload", "live", "open", "bytes"]) table.AddColumn(name, column => column.RightAligned());
        table.AddColumn("what came of it");
        foreach (var act in acts)
        {
            table.AddRow(
                act.Succeeded ? "[green]ok[/]" : "[red]FAILED[/]", Markup.Escape(act.What), Number(act.Times?.Encrypt), Number(act.Times?.Upload), Number(act.Times?.Live),
                Number(act.Times?.Open), Number(act.Bytes), Markup.Escape(act.Outcome));
        }
        AnsiConsole.Write(table);
    }

    private static string Number(double? value) => value is { } number ? $"{number:#,0}" : "";
}
