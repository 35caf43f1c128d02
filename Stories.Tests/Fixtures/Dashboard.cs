using System.Net;
using System.Text.RegularExpressions;

namespace Stories.Tests.Fixtures;

/// <summary>The operators' page in a browser of its own, which keeps cookies and follows no redirect.</summary>
internal sealed partial class Dashboard : IDisposable
{
    private readonly KeyValuePair<string, string> antiForgery;

    private Dashboard(HttpClient http, KeyValuePair<string, string> antiForgery) => (Http, this.antiForgery) = (http, antiForgery);

    public HttpClient Http { get; }

    /// <summary>The form is there; nobody is signed in.</summary>
    public static async Task<Dashboard> VisitAsync(Service service, CancellationToken cancellationToken)
    {
        var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() }) { BaseAddress = service.Address };
        var field = AntiForgery().Match(await http.GetStringAsync("ops", cancellationToken));
        return new Dashboard(http, new(field.Groups[1].Value, field.Groups[2].Value));
    }

    public static async Task<Dashboard> OpenAsync(Service service, CancellationToken cancellationToken, string user = "op")
    {
        var dashboard = await VisitAsync(service, cancellationToken);
        using var signedIn = await dashboard.SignInAsync(service.Token(user, "ops"), cancellationToken);
        Assert.Equal(HttpStatusCode.Redirect, signedIn.StatusCode);
        return dashboard;
    }

    /// <param name="fromForm">False: as a page of somebody else's would post it.</param>
    public async Task<HttpResponseMessage> SignInAsync(string token, CancellationToken cancellationToken, bool fromForm = true)
    {
        using var form = new FormUrlEncodedContent([new("token", token), .. fromForm ? [antiForgery] : Array.Empty<KeyValuePair<string, string>>()]);
        return await Http.PostAsync("ops", form, cancellationToken);
    }

    public void Dispose() => Http.Dispose();

    [GeneratedRegex("name=\"(__RequestVerificationToken)\" value=\"([^\"]+)\"")]
    private static partial Regex AntiForgery();
}
