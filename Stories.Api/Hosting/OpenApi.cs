using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace Stories.Api.Hosting;

/// <summary>The contract as an OpenAPI 3.1 document, and a page to read it on without any outside request.</summary>
internal static class OpenApi
{
    public static void Add(IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "Stories",
                Version = "v1",
                Description = "Ephemeral stories: encrypted uploads, renditions, signed short-lived URLs. Bytes are base64 in JSON; refusals are problem documents with a stable code (docs/http.md).",
            };
            document.Servers = [];
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                ["bearer"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = "A token that your app issued." },
            };
            document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("bearer", document)] = [] }];
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            if (context.Description.ActionDescriptor.EndpointMetadata.OfType<AnsweredOnce>().LastOrDefault() is { } rule)
            {
                (operation.Parameters ??= []).Add(new OpenApiParameter
                {
                    Name = IdempotentWrites.KeyHeader,
                    In = ParameterLocation.Header,
                    Required = rule.IsKeyRequired,
                    Description = "One to 128 visible characters of your choice: a repetition within 24 hours gets the first answer and does nothing.",
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = IdempotentWrites.MaxKeyLength },
                });
            }
            return Task.CompletedTask;
        });
    });

    public static void Map(WebApplication app)
    {
        app.MapOpenApi();
        app.MapScalarApiReference("/docs", options =>
        {
            options.Title = "Stories API";
            options.DefaultFonts = false;
            options.Telemetry = false;
        });
    }
}
