using Hangfire;

namespace Stories.Tests.Architecture.Twins.Core.Keys;

internal sealed class KnowsHangfire
{
    [DisableConcurrentExecution(10)]
    public static void Run() { }
}
