using System.Net;
using System.Text.Json;

namespace Stories.Client;

/// <summary>The service refused a request: a problem document (RFC 9457) with a stable code, listed in docs/http.md.</summary>
public sealed class StoriesProblemException : Exception
{
    internal StoriesProblemException(HttpStatusCode status, string code, string title, TimeSpan? retryAfter) : base(title)
    {
        Status = status;
        Code = code;
        RetryAfter = retryAfter;
    }

    /// <summary>The HTTP status.</summary>
    public HttpStatusCode Status { get; }

    /// <summary>The stable code, for instance <c>story.backlog</c>.</summary>
    public string Code { get; }

    /// <summary>How long the service asks to wait, when it says.</summary>
    public TimeSpan? RetryAfter { get; }

    internal static async Task<StoriesProblemException> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var (code, title) = ($"http.{(int)response.StatusCode}", $"The service answered {(int)response.StatusCode}.");
        try
        {
            using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
            if (json.RootElement.TryGetProperty("code", out var found)) code = found.GetString() ?? code;
            if (json.RootElement.TryGetProperty("title", out found)) title = found.GetString() ?? title;
        }
        catch (JsonException)
        {
            // Something between us and the service answered; the status has to do.
        }
        return new StoriesProblemException(response.StatusCode, code, title, response.Headers.RetryAfter?.Delta);
    }
}

/// <summary>Something that should be genuine is not: a signature, a digest, an end of life. Nothing of it was shown.</summary>
public sealed class NotGenuineException : Exception
{
    internal NotGenuineException(string message) : base(message)
    {
    }
}
