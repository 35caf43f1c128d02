using Hangfire;

namespace Stories.Tests.Architecture.Twins.Core.Jobs;

internal interface IHasNoRetry
{
    [Queue("erase")]
    Task RunAsync();
}
