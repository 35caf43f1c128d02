using Microsoft.EntityFrameworkCore;
using Stories.Client;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;
using static Stories.Tests.Fixtures.Refusals;

namespace Stories.Tests.Erasure;

/// <summary>The operator's command as a process of its own.</summary>
public sealed class AppRemovalTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_app_goes_with_everything_of_its_users_without_any_host_and_others_lose_only_its_members()
    {
        await using var service = await Service.StartAsync(servers);
        var (about, alice, bob) = await FillAsync(service);

        var (code, output) = await RunAsync(service, ["app", "remove", Service.PhotosApp]);

        Assert.Equal((0, "Erasing 2 users and 2 stories."), (code, output.Trim()));
        Assert.Empty(await about.FindAsync());
        Assert.Equal([Service.ChatApp, Service.LonelyApp], await service.ReadAsync(db => db.Apps.Select(a => a.Id).Order().ToListAsync(Cancel)));
        Assert.Equal(0, await service.ReadAsync(db => db.Departures.CountAsync(Cancel)));
        Assert.Empty(await Remains.IngestAsync(service));
        // The running Api may know the app for some seconds more; it takes nothing of it.
        Assert.Contains((await Refused(() => bob.Audiences.RegisterAsync(Cancel))).Code, new[] { ProblemCodes.Unavailable, ProblemCodes.Unauthenticated });
        Assert.Contains((await Refused(() => alice.Audiences.ChangeAsync("friends", [bob.Self], [], Cancel))).Code, new[] { ProblemCodes.Unavailable, ProblemCodes.AudienceMemberRefused });
        Assert.Empty(await about.FindAsync());

        Assert.Empty((await alice.Audiences.ReadyAsync("friends", Cancel)).Members!);
        await alice.PostAsync([], caption: "words", cancellationToken: Cancel);
        Assert.Empty(await about.FindAsync());

        var (again, told) = await RunAsync(service, ["app", "remove", Service.PhotosApp]);
        Assert.Equal((2, "There is no app photos."), (again, told.Trim()));
    }

    [Theory]
    [InlineData("depart:asked", "sweep")]
    [InlineData("depart:bytes", "sweep")]
    [InlineData("depart:asked", "command")]
    public async Task A_removal_that_was_killed_is_finished_by_a_sweep_or_by_the_same_command(string place, string finisher)
    {
        await using var service = await Service.StartAsync(servers);
        var (about, _, _) = await FillAsync(service);
        var (killed, _) = await RunAsync(service, ["app", "remove", Service.PhotosApp], ("STORIES_CRASH_AT", place));
        Assert.Equal(128 + 9, killed);
        Assert.NotEmpty(await about.FindAsync());
        Assert.False(await service.ReadAsync(db => db.Apps.AnyAsync(a => a.Id == Service.PhotosApp, Cancel)));
        var (refused, told) = await RunAsync(service, ["app", "add", Service.PhotosApp, "--development"]);
        Assert.Equal(2, refused);
        Assert.Contains("still being erased", told, StringComparison.Ordinal);

        if (finisher == "sweep") await service.SweepAsync();
        else Assert.Equal(0, (await RunAsync(service, ["app", "remove", Service.PhotosApp])).ExitCode);

        Assert.Empty(await about.FindAsync());
        Assert.Equal(0, (await RunAsync(service, ["app", "add", Service.PhotosApp, "--development"])).ExitCode);
    }

    private static async Task<(EverythingAbout About, UserSession Alice, UserSession Bob)> FillAsync(Service service)
    {
        var (alice, bob, carol) = (service.User("alice-who-stays"), service.User("bob-of-the-app", Service.PhotosApp), service.User("carol-of-the-app", Service.PhotosApp));
        foreach (var user in new[] { alice, bob, carol }) await user.Audiences.RegisterAsync(Cancel);
        await alice.Audiences.ChangeAsync("friends", [bob.Self, carol.Self], [], Cancel);
        await bob.Audiences.ChangeAsync("friends", [alice.Self, carol.Self], [], Cancel);
        var story = (await bob.PostAsync([Samples.PathOf("photo.webp")], cancellationToken: Cancel)).Story;
        await service.ProcessAsync(story, Cancel);
        await carol.PostAsync([Samples.Photo], cancellationToken: Cancel);
        await carol.Client.MarkSeenAsync(story, Cancel);
        return (await EverythingAbout.RememberAsync(service, Service.PhotosApp, user: null), alice, bob);
    }

    private static Task<(int ExitCode, string Output)> RunAsync(Service service, string[] arguments, params ReadOnlySpan<(string Name, string Value)> more) =>
        service.RunAsync("Api", arguments, Cancel, [("Development__IssuerKeyFile", Path.Combine(service.KeyFolder, "issuer.pem")), .. more]);
}
