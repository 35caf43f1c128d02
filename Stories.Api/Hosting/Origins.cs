using Microsoft.AspNetCore.Cors.Infrastructure;

namespace Stories.Api.Hosting;

/// <summary>Pages of registered apps may call us; no credentials travel but the token they put there themselves.</summary>
internal sealed class Origins(AppRegistry apps) : ICorsPolicyProvider
{
    public async Task<CorsPolicy?> GetPolicyAsync(HttpContext context, string? policyName)
    {
        await apps.RefreshAsync(context.RequestAborted);
        return new CorsPolicyBuilder()
            .SetIsOriginAllowed(apps.AllowsOrigin)
            .AllowAnyMethod()
            .AllowAnyHeader()
            .WithExposedHeaders(
                "Location", "ETag", "Retry-After", IdempotentWrites.ReplayedHeader,
                "Upload-Offset", "Upload-Length", "Upload-Expires", "Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm")
            .SetPreflightMaxAge(TimeSpan.FromMinutes(10))
            .Build();
    }
}
