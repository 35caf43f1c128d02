using System.Diagnostics;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Stories.Api.Operating;

namespace Stories.Bench;

/// <summary>The yardstick of <see cref="CatalogBench"/>: a Kestrel, in a process of its own, that has answers in memory which are the service's to the byte.</summary>
internal sealed class BareCatalog : IDisposable
{
    private readonly Process process;

    private BareCatalog(Process process, Uri address) => (this.process, Address) = (process, address);

    public Uri Address { get; }

    /// <param name="app">Whose tokens it verifies; null: nobody's.</param>
    public static async Task<BareCatalog> StartAsync(byte[] body, string tag, string? app)
    {
        var file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, body);
        var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(BareCatalog).Assembly.Location, "serve-catalog", file, tag, app ?? ""]) { RedirectStandardOutput = true, RedirectStandardInput = true })!;
        var address = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The bare Kestrel did not start.");
        File.Delete(file);
        return new BareCatalog(process, new Uri(address));
    }

    /// <summary>Until whoever started it ends.</summary>
    public static async Task ServeAsync(string file, string tag, string app)
    {
        var body = await File.ReadAllBytesAsync(file);
        var builder = WebApplication.CreateSlimBuilder();
        if (app.Length > 0)
        {
            var key = await DevelopmentIssuer.LoadAsync(Bench.Configuration);
            builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(bearer => bearer.TokenValidationParameters = new()
            {
                ValidIssuer = DevelopmentIssuer.Name,
                ValidAudience = app,
                IssuerSigningKey = key,
            });
            builder.Services.AddAuthorization();
        }
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false).UseUrls("http://127.0.0.1:0");
        await using var server = builder.Build();
        if (app.Length > 0) server.UseAuthentication().UseAuthorization();
        var route = server.MapGet("/v1/ads/catalog", (HttpContext context) =>
        {
            context.Response.Headers.ETag = tag;
            context.Response.Headers.CacheControl = "max-age=300, private";
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers["Referrer-Policy"] = "no-referrer";
            return context.Request.Headers.IfNoneMatch == tag ? Results.StatusCode(StatusCodes.Status304NotModified) : Results.Bytes(body, "application/json");
        });
        if (app.Length > 0) route.RequireAuthorization();
        await server.StartAsync();
        Console.WriteLine(server.Urls.Single());
        await Console.In.ReadToEndAsync();
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }
}
