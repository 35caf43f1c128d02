using Hangfire;

namespace Stories.Tests.Architecture.Twins.Core.Jobs;

internal interface IHasNoQueue
{
    [AutomaticRetry(Attempts = 1)]
    Task RunAsync();
}
