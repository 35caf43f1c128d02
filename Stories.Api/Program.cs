using Stories.Api.Apps;
using Stories.Api.Audiences;
using Stories.Api.Erasure;
using Stories.Api.Hosting;
using Stories.Api.Keys;
using Stories.Api.Operating;
using Stories.Api.Posting;
using Stories.Api.Sponsored;
using Stories.Api.Uploads;
using Stories.Api.Viewing;
using Stories.Core;
using Stories.Core.Health;

try
{
    var builder = WebApplication.CreateBuilder(args);
    if (OperatorCommand.Parse(args) is { } command) return await command.RunAsync(builder.Configuration);

    builder.AddStoriesApi();
    AudienceEndpoints.Add(builder.Services);
    UploadEndpoints.Add(builder.Services);
    PostingEndpoints.Add(builder.Services);
    ViewingEndpoints.Add(builder.Services);
    BookingEndpoints.Add(builder.Services);
    RecordEndpoints.Add(builder.Services);
    CatalogEndpoints.Add(builder.Services);
    CreativeEndpoints.Add(builder.Services);

    var app = builder.Build();
    app.UseStoriesApi(beforeRouting: () =>
    {
        CatalogEndpoints.UseShortcut(app);
        UploadEndpoints.UseTusHeaders(app);
    });

    app.MapStoriesHealth();
    OpenApi.Map(app);
    OpsPages.Map(app);
    AppEndpoints.Map(app);
    AudienceEndpoints.Map(app);
    KeyEndpoints.Map(app);
    UploadEndpoints.Map(app);
    PostingEndpoints.Map(app);
    ViewingEndpoints.Map(app);
    ErasureEndpoints.Map(app);
    BookingEndpoints.Map(app);
    CatalogEndpoints.Map(app);
    CreativeEndpoints.Map(app);
    RecordEndpoints.Map(app);
    ReportEndpoints.Map(app);

    await StartupChecks.PassAsync(app.Services);
    await app.RunAsync();
    return 0;
}
catch (Exception trouble) when (StartRefusedException.Explain(trouble) is { } refusal)
{
    await Console.Error.WriteLineAsync(refusal);
    return 1;
}
