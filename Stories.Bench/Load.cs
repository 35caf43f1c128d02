namespace Stories.Bench;

/// <summary>
/// One address asked for by <c>wrk</c> for a second, with one token after the other, and each time the same answer expected.
/// </summary>
/// <param name="Route">With its query, relative to a server's address.</param>
/// <param name="Tokens">Used in turn.</param>
/// <param name="Tag">What the asker has already, or null.</param>
/// <param name="BodyBytes">Of each answer.</param>
internal sealed record Load(string Route, IReadOnlyList<string> Tokens, string? Tag, int BodyBytes)
{
    public const int AtATime = 64;

    /// <summary>Of an answer's head, and more.</summary>
    private const int MostHeadBytes = 1_000;

    private const string Script = """
        local requests, sent = {}, 0
        function init(arguments)
          for token in io.lines(arguments[1]) do
            requests[#requests + 1] = wrk.format('GET', nil, { Authorization = 'Bearer ' .. token, ['If-None-Match'] = arguments[2] })
          end
        end
        function request()
          sent = sent + 1
          return requests[sent % #requests + 1]
        end
        function done(summary)
          local errors = summary.errors
          print('SEEN', summary.duration, summary.requests, summary.bytes, errors.connect + errors.read + errors.write + errors.status + errors.timeout)
        end
        """;

    /// <returns>Seconds for 10,000 requests.</returns>
    public async Task<double> RunAsync(Uri server)
    {
        var folder = Directory.CreateTempSubdirectory("stories-load-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "script.lua"), Script);
        await File.WriteAllLinesAsync(Path.Combine(folder, "tokens"), Tokens);
        string[] arguments = ["-t1", $"-c{AtATime}", "-d1s", "-s", "script.lua", new Uri(server, Route).ToString(), "--", "tokens", .. Tag is null ? Array.Empty<string>() : [Tag]];
        var seen = (await Shell.RunAsync(folder, "wrk", arguments)).Split('\n').Single(line => line.StartsWith("SEEN", StringComparison.Ordinal)).Split('\t').Skip(1).Select(long.Parse).ToArray();
        Directory.Delete(folder, recursive: true);
        var (microseconds, answers, bytes, errors) = (seen[0], seen[1], seen[2], seen[3]);
        // Of those under way at the end some bytes have come.
        if (errors > 0 || answers == 0 || bytes < answers * BodyBytes || bytes > (answers + AtATime) * (BodyBytes + MostHeadBytes))
            throw new InvalidOperationException($"{answers} answers with {bytes} bytes, {errors} errors.");
        return microseconds / 1e6 / answers * 10_000;
    }
}
