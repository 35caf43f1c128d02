using Stories.Api.Hosting;
using Stories.Api.Operating;
using Stories.Core;
using Stories.Core.Health;

var builder = WebApplication.CreateBuilder(args);
if (OperatorCommand.Parse(args) is { } command) return await command.RunAsync(builder.Configuration);

builder.AddStoriesApi();

var app = builder.Build();
app.UseStoriesApi();

app.MapStoriesHealth();
OpenApi.Map(app);
OpsPages.Map(app);

try
{
    await app.RunAsync();
    return 0;
}
catch (StartRefusedException refusal)
{
    await Console.Error.WriteLineAsync(refusal.Message);
    return 1;
}
