using Stories.Core;
using Stories.Core.Health;
using Stories.Worker.Auditing;
using Stories.Worker.Confinement;
using Stories.Worker.Hosting;
using Stories.Worker.Rendering;

if (args is [Confine.Argument, ..]) return Confine.Run(args.AsSpan(1));
if (args is [RenderChild.Argument]) return await RenderChild.RunAsync();

try
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddStoriesWorker();
    // Its table is what it has to say; a log would stand in between.
    if (AuditCommand.Parse(args) is { } audit)
    {
        builder.Logging.ClearProviders();
        await using var notStarted = builder.Build();
        return await audit.RunAsync(notStarted.Services);
    }

    var app = builder.Build();
    app.MapStoriesHealth();
    app.MapStoriesMetrics();
    await app.PassStartupChecksAsync();
    await app.RunAsync();
    return 0;
}
catch (Exception trouble) when (StartRefusedException.Explain(trouble) is { } refusal)
{
    await Console.Error.WriteLineAsync(refusal);
    return 1;
}
