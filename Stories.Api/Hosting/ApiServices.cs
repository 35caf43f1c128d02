using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Stories.Core;
using Stories.Core.Data;
using Stories.Core.Health;
using Stories.Protocol;

namespace Stories.Api.Hosting;

internal static class ApiServices
{
    /// <summary>Everything but uploads and epochs, which say so themselves.</summary>
    internal const long BodyBytes = 256 * 1024;

    public static void AddStoriesApi(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = BodyBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            // On average. Slower than any phone's network: whoever sends so holds a connection for nothing.
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(10));
        });
        // The framework's request log holds paths and query strings as they came. At no level: an activity would be made for each request.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        // It logs whole exceptions: of each bad token, and with the database's address when that is away. What is unexpected comes to UnexpectedTrouble.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Authentication", LogLevel.None);
        services.AddStoriesCore(builder.Configuration);
        // Viewers are better served by an Api that says so than by none.
        services.AddStoriesHealth(whenRetained: HealthStatus.Degraded);

        services.AddSingleton<AppRegistry>();
        services.AddSingleton<Tokens>();
        services.AddSingleton<IConfigureOptions<JwtBearerOptions>>(p => p.GetRequiredService<Tokens>());
        var authentication = services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        OpsPages.AddCookie(authentication);
        services.AddAuthorizationBuilder();
        services.Configure<Microsoft.AspNetCore.Authorization.AuthorizationOptions>(options =>
        {
            Scopes.AddPolicies(options);
            OpsPages.AddPolicy(options);
        });
        services.AddAntiforgery(options => options.Cookie.SameSite = SameSiteMode.Strict);
        services.AddDataProtection().SetApplicationName("stories").PersistKeysToDbContext<StoriesDb>();

        services.AddOptionsOf<RateLimitOptions>(RateLimitOptions.Section);
        services.AddSingleton<IConfigureOptions<RateLimiterOptions>, RateLimits>();
        services.AddRateLimiter(_ => { });
        services.AddCors();
        services.AddSingleton<ICorsPolicyProvider, Origins>();

        services.ConfigureHttpJsonOptions(options => StoriesJson.Configure(options.SerializerOptions));
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = false);
        services.AddExceptionHandler<UnexpectedTrouble>();
        // Before the framework's: the first that can write does.
        services.AddSingleton<IProblemDetailsWriter, ProblemWriter>();
        services.AddProblemDetails();
        OpenApi.Add(services);
    }

    /// <param name="app">The pipeline's.</param>
    /// <param name="beforeRouting">Adds what may answer or change a request before it is routed.</param>
    public static void UseStoriesApi(this WebApplication app, Action beforeRouting)
    {
        app.UseExceptionHandler();
        app.Use((context, next) =>
        {
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers["Referrer-Policy"] = "no-referrer";
            return next(context);
        });
        beforeRouting();
        app.UseStatusCodePages();
        // By itself the framework would route before anything else, and so before a method override is read.
        app.UseRouting();
        app.UseCors();
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseAuthorization();
        app.UseMiddleware<IdempotentWrites>();
    }
}
