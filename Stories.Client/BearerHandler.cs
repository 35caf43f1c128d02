using System.Net.Http.Headers;

namespace Stories.Client;

/// <summary>Asks for the user's token at each request, so that an app may renew it at any time.</summary>
internal sealed class BearerHandler(Func<CancellationToken, ValueTask<string>> token) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await token(cancellationToken));
        return await base.SendAsync(request, cancellationToken);
    }
}
