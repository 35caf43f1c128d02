using Stories.Age;

namespace Stories.Tests.Architecture.Twins.Api.Posting;

internal sealed class HoldsAnIdentity(AgeIdentity identity)
{
    public string Recipient => identity.Recipient.ToString();
}
