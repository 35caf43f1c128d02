namespace Stories.Tests.Architecture.Twins.Api.Uploads;

internal sealed class KnowsTheWorker
{
    public Worker.Media.Renders? Other { get; set; }
}
