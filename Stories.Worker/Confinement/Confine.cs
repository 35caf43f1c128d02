using System.Runtime.InteropServices;

namespace Stories.Worker.Confinement;

/// <summary>
/// <c>Stories.Worker confine</c>: the process becomes a decoder that has Landlock, the filter and no privileges about it. In the
/// place of bubblewrap where that may not make namespaces, and called in the same manner (sandbox.sh).
/// </summary>
internal static class Confine
{
    public const string Argument = "confine";
    private const int Failed = 71;

    /// <returns>Only when it failed.</returns>
    public static int Run(ReadOnlySpan<string> words)
    {
        try
        {
            var order = Order.Of(words);
            byte[][] filters =
            [
                SyscallFilter.OwnProcessOnly(RuntimeInformation.ProcessArchitecture, Environment.ProcessId),
                .. order.Filters.Select(File.ReadAllBytes),
            ];
            Kernel.Prepare();
            var ruleset = Landlock.Rule(order.Readable, order.Writable);
            if (!Kernel.CloseFilesOnExecution()) throw new ConfinementException("Open files cannot be closed.");
            Kernel.DropPrivileges();
            Landlock.Enter(ruleset);
            foreach (var filter in filters) Kernel.Filter(filter);
            Kernel.Become(order.Program, order.Arguments, order.Environment);
        }
        catch (Exception e) when (e is ConfinementException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e.Message);
        }
        return Failed;
    }

    /// <param name="Filters">Files with filters.</param>
    /// <param name="Readable">What may be read and run: files, and folders with all that is in them.</param>
    private sealed record Order(
        List<string> Filters, List<string> Readable, List<string> Writable, List<string> Environment, string Program, IReadOnlyList<string> Arguments)
    {
        public static Order Of(ReadOnlySpan<string> words)
        {
            List<string> filters = [], readable = [], writable = [], environment = [];
            while (true)
            {
                switch (words)
                {
                    case ["--seccomp", var file, ..]: filters.Add(file); break;
                    case ["--read", var path, ..]: readable.Add(path); break;
                    case ["--write", var path, ..]: writable.Add(path); break;
                    case ["--setenv", var name, var value, ..]:
                        environment.Add($"{name}={value}");
                        words = words[1..];
                        break;
                    case [['/', ..] program, .. var rest] when filters.Count > 0:
                        return new Order(filters, readable, writable, environment, program, rest.ToArray());
                    default: throw new ConfinementException("confine --seccomp FILE [--read PATH] [--write PATH] [--setenv NAME VALUE] /PROGRAM [ARGUMENT]");
                }
                words = words[2..];
            }
        }
    }
}
