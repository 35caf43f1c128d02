using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Stories.Api.Hosting;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Hosting;

public sealed class TokenMemoryTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private AppRegistry apps = null!;
    private TokenMemory memory = null!;
    private readonly List<string> verified = [];
    private readonly TokenValidationParameters parameters = new() { ClockSkew = TimeSpan.Zero };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers);
        apps = service.Api.GetRequiredService<AppRegistry>();
        await apps.RefreshAsync(Cancel);
        memory = new TokenMemory(apps, most: 2);
        parameters.ValidateIssuer = parameters.ValidateAudience = false;
        parameters.LifetimeValidator = (_, _, _, _) => true;
        parameters.IssuerSigningKeyResolver = (_, token, _, _) =>
        {
            verified.Add(((JsonWebToken)token).Subject);
            return apps.Keys(token.Issuer, ((JsonWebToken)token).Audiences);
        };
    }

    public ValueTask DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task Who_is_heard_of_again_and_again_stays_known_however_many_others_come()
    {
        var alice = service.Token("alice");
        await AskAsync(alice);
        for (var i = 0; i < 10; i++)
        {
            await AskAsync(service.Token($"other-{i}"));
            await AskAsync(alice);
        }
        Assert.Single(verified, "alice");
    }

    [Fact]
    public async Task Who_is_not_heard_of_again_is_forgotten()
    {
        var alice = service.Token("alice");
        await AskAsync(alice);
        for (var i = 0; i < 4; i++) await AskAsync(service.Token($"other-{i}"));
        Assert.Null(memory.Find(alice, parameters));
        await AskAsync(alice);
        Assert.Equal(2, verified.Count(name => name == "alice"));
    }

    [Fact]
    public async Task Reading_the_same_apps_again_forgets_nobody()
    {
        var (alice, before) = (service.Token("alice"), apps.Version);
        await AskAsync(alice);
        await service.UntilAsync(_ => Task.FromResult(!apps.IsFresh));
        await apps.RefreshAsync(Cancel);
        Assert.True(apps.IsFresh);
        Assert.Same(before, apps.Version);
        Assert.Equal("alice", memory.Find(alice, parameters)!.Caller.Name.User);
    }

    private async Task AskAsync(string token) => Assert.True((await memory.ValidateTokenAsync(token, parameters)).IsValid);
}
