using Stories.Api.Hosting;

namespace Stories.Api.Sponsored;

internal static class RecordEndpoints
{
    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<RecordIntake>();
        services.AddHostedService(provider => provider.GetRequiredService<RecordIntake>());
        services.AddSingleton<ReportSecrets>();
        services.AddScoped<ReportNumbers>();
        services.AddScoped<ReportPacing>();
    }

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapPost("/v1/ads/records", SubmitRecords.Handle).WithName("submitRecords").WithTags("Sponsored").RequireAuthorization(Scopes.View);
        app.MapPost("/v1/ads/lines/{id:guid}/credits", CreditLine.Handle).WithName("creditLine").WithTags("Sponsored").RequireAuthorization(Scopes.Ops).AnswerOnce(isKeyRequired: true);
    }
}
