using Microsoft.AspNetCore.Http;

namespace Stories.Tests.Architecture.Twins.Core.Audiences;

internal sealed class KnowsTheWeb
{
    public static string Read(HttpContext context) => context.TraceIdentifier;
}
