using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using Stories.Api.Hosting;
using Stories.Core.Uploads;

namespace Stories.Api.Uploads;

/// <summary>tus 1.0 (tus.io/protocols/resumable-upload): resumable uploads of ciphertext.</summary>
internal static class UploadEndpoints
{
    private const string MethodOverride = "X-HTTP-Method-Override";

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<BufferBudget>();
        services.AddSingleton<UploadHolds>();
        services.AddSingleton<UploadRows>();
        services.AddSingleton<BodyPump>();
        services.AddScoped<BeginUpload>();
        services.AddScoped<ReceiveUpload>();
    }

    /// <summary>Before routing and authentication look at the method: they must judge the one that is meant.</summary>
    public static void UseTusHeaders(WebApplication app) => app.Use((context, next) =>
    {
        if (!context.Request.Path.StartsWithSegments("/v1/uploads")) return next(context);
        if (HttpMethods.IsPost(context.Request.Method) && context.Request.Headers[MethodOverride] is [{ } method] &&
            (HttpMethods.IsPatch(method) || HttpMethods.IsDelete(method) || HttpMethods.IsHead(method)))
            context.Request.Method = method.ToUpperInvariant();
        context.Response.OnStarting(() =>
        {
            context.Response.Headers[TusHeaders.Resumable] = TusHeaders.Version;
            return Task.CompletedTask;
        });
        return next(context);
    });

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapMethods("/v1/uploads", [HttpMethods.Options], Describe).WithName("describeUploads").WithTags("Uploads").AllowAnonymous();
        var uploads = app.MapGroup("/v1/uploads").WithTags("Uploads").RequireAuthorization(Scopes.Upload).WithMetadata(new DisableRequestSizeLimitAttribute());
        uploads.MapPost("", BeginUpload.Handle).WithName("beginUpload");
        uploads.MapMethods("/{id:guid}", [HttpMethods.Head], CheckUpload.Handle).WithName("checkUpload");
        uploads.MapPatch("/{id:guid}", ReceiveUpload.Handle).WithName("receiveUpload");
        uploads.MapDelete("/{id:guid}", EndUpload.Handle).WithName("endUpload");
    }

    private static NoContent Describe(HttpContext context, IOptions<UploadOptions> options)
    {
        var headers = context.Response.Headers;
        headers["Tus-Version"] = TusHeaders.Version;
        headers["Tus-Extension"] = TusHeaders.Extensions;
        headers["Tus-Checksum-Algorithm"] = TusHeaders.ChecksumAlgorithms;
        headers["Tus-Max-Size"] = $"{options.Value.MaxBytes}";
        return TypedResults.NoContent();
    }
}
