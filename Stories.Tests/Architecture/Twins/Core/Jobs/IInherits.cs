using Hangfire;

namespace Stories.Tests.Architecture.Twins.Core.Jobs;

[Queue("erase")]
[AutomaticRetry(Attempts = 1)]
internal interface IInherits : IHasNoRetry;
