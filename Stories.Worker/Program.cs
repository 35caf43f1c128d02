using Hangfire;
using Stories.Core;
using Stories.Core.Health;
using Stories.Core.Jobs;
using Stories.Worker.Hosting;
using Stories.Worker.Rendering;

if (args is [RenderChild.Argument]) return await RenderChild.RunAsync();

var builder = WebApplication.CreateBuilder(args);
builder.AddStoriesWorker();

var app = builder.Build();
app.MapStoriesHealth();

try
{
    await app.StartAsync();
    // So that the dashboard shows it too; the timer does the same without Hangfire.
    app.Services.GetRequiredService<IRecurringJobManager>().AddOrUpdate<ISweep>("sweep", sweep => sweep.RunAsync(CancellationToken.None), Cron.Minutely);
    await app.WaitForShutdownAsync();
    return 0;
}
catch (StartRefusedException refusal)
{
    await Console.Error.WriteLineAsync(refusal.Message);
    return 1;
}
