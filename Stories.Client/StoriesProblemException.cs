using System.Globalization;
using System.Net;
using System.Text.Json;
using Stories.Protocol;
using Stories.Protocol.Sponsored;

namespace Stories.Client;

/// <summary>
/// The service refused a request: a problem document (RFC 9457) with a stable code. docs/http.md lists the codes; their names
/// in C# are <see cref="Protocol.ProblemCodes"/>.
/// </summary>
public sealed class StoriesProblemException : Exception
{
    private StoriesProblemException(HttpStatusCode status, string code, string title, string? detail, DateTimeOffset? due, IReadOnlyList<FieldFault> faults, TimeSpan? retryAfter)
        : base(detail is null ? title : $"{title} {detail}")
    {
        Status = status;
        Code = code;
        Title = title;
        Detail = detail;
        Due = due;
        Faults = faults;
        RetryAfter = retryAfter;
    }

    /// <summary>The HTTP status.</summary>
    public HttpStatusCode Status { get; }

    /// <summary>
    /// The stable code, for instance <c>story.backlog</c>; <c>http.</c> and the status when the answer is no problem document,
    /// because something between here and the service gave it.
    /// </summary>
    public string Code { get; }

    /// <summary>What the code means, in words for people; never repeats what was sent.</summary>
    public string Title { get; }

    /// <summary>What is special about this case; mostly null.</summary>
    public string? Detail { get; }

    /// <summary>With <c>erasure.pending</c>: when the bucket ends, or ended. Null with everything else.</summary>
    public DateTimeOffset? Due { get; }

    /// <summary>With <c>ads.fieldsInvalid</c>: every field that is not as it must be. Empty with everything else.</summary>
    public IReadOnlyList<FieldFault> Faults { get; }

    /// <summary>How long the service asks to wait before another try, when it says.</summary>
    public TimeSpan? RetryAfter { get; }

    internal static async Task<StoriesProblemException> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = response.StatusCode;
        var (code, title, detail) = ($"http.{(int)status}", $"The service answered {(int)status}.", default(string));
        DateTimeOffset? due = null;
        IReadOnlyList<FieldFault> faults = [];
        try
        {
            using var json = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
            code = Text(json.RootElement, "code") ?? code;
            title = Text(json.RootElement, "title") ?? title;
            detail = Text(json.RootElement, "detail");
            if (DateTimeOffset.TryParse(Text(json.RootElement, "due"), CultureInfo.InvariantCulture, out var time)) due = time;
            if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("faults", out var list)) faults = list.Deserialize<List<FieldFault>>(Answer.Options) ?? [];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Something between here and the service answered, or a text in it is none (half of a surrogate pair); the status has to do.
        }
        return new StoriesProblemException(status, code, title, detail, due, faults, response.Headers.RetryAfter?.Delta);
    }

    private static string? Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var found) && found.ValueKind == JsonValueKind.String ? found.GetString() : null;
}
