using Stories.Protocol.Contracts;

namespace Stories.Client.Sponsored;

/// <summary>What became of the caller's own lines; docs/http.md explains each report. Errors are those of <see cref="StoriesClient"/>.</summary>
/// <param name="client">Says whom the calls are for; it stays the caller's.</param>
public sealed class AdReports(StoriesClient client)
{
    /// <summary>Reads one report.</summary>
    /// <param name="asked">Which, and of what.</param>
    /// <param name="cancellationToken">Ends the wait for the service.</param>
    public Task<ReportView> ReadAsync(ReportRequest asked, CancellationToken cancellationToken = default) =>
        client.SendAsync<ReportView>(HttpMethod.Get, $"v1/ads/reports/{Name(asked.Kind)}?{Query(asked)}", null, cancellationToken);

    /// <summary>For operators: gives billed views of a line back, once for each reference.</summary>
    public Task<CreditView> CreditAsync(Guid line, CreditRequest credit, string? key = null, CancellationToken cancellationToken = default) =>
        client.SendAsync<CreditView>(HttpMethod.Post, $"v1/ads/lines/{line}/credits", credit, cancellationToken, key ?? Guid.NewGuid().ToString("N"));

    private static string Query(ReportRequest asked) => string.Join('&', new (string Name, string? Value)[]
    {
        ("by", Name(asked.By)), ("line", asked.Line?.ToString()), ("campaign", asked.Campaign?.ToString()), ("from", Day(asked.From)), ("to", Day(asked.To)),
    }.Where(p => p.Value is not null).Select(p => $"{p.Name}={p.Value}"));

    private static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);

    private static string Name<T>(T value) where T : struct, Enum => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}

/// <summary>Which report, and of what.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="By">How it is broken down.</param>
/// <param name="Line">Of this line alone; null: of all.</param>
/// <param name="Campaign">Of this campaign's lines; null: of all.</param>
/// <param name="From">The first day, UTC; null: 30 days before the last.</param>
/// <param name="To">The last day; null: today.</param>
public sealed record ReportRequest(ReportKind Kind, ReportBy By = ReportBy.Total, Guid? Line = null, Guid? Campaign = null, DateOnly? From = null, DateOnly? To = null);
