using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Stories.Api.Hosting;
using Stories.Protocol;

namespace Stories.Api.Operating;

/// <summary>Mints a token of a development app, so that the service can be tried without an identity provider.</summary>
internal static class MintToken
{
    private static readonly TimeSpan Life = TimeSpan.FromHours(12);

    public static async Task<int> RunAsync(IConfiguration configuration, string[] options)
    {
        OperatorCommand.RefuseUnknown(options, ["--app", "--user", "--scope"], flags: []);
        var app = OperatorCommand.Option(options, "--app") ?? "chat-dev";
        var user = OperatorCommand.Option(options, "--user") ?? "operator";
        var scope = OperatorCommand.Option(options, "--scope") ?? $"{Scopes.Post} {Scopes.View}";
        if (!UserName.IsApp(app) || !UserName.IsUser(user)) throw new ArgumentException("Apps have lower-case letters, digits and dashes; users letters, digits and - _ . ~ @ : =");

        Console.WriteLine(await MintAsync(configuration, app, user, scope));
        return 0;
    }

    public static async Task<string> MintAsync(IConfiguration configuration, string app, string user, string scope)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = DevelopmentIssuer.Name,
            Audience = app,
            IssuedAt = now.UtcDateTime,
            Expires = (now + Life).UtcDateTime,
            Claims = new Dictionary<string, object> { [JwtRegisteredClaimNames.Sub] = user, ["scope"] = scope },
            SigningCredentials = new SigningCredentials(await DevelopmentIssuer.LoadAsync(configuration), SecurityAlgorithms.EcdsaSha256),
        });
    }
}
