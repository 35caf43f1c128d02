using Microsoft.EntityFrameworkCore;
using Stories.Client;
using Stories.Protocol;
using Stories.Tests.Erasure;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Processing;

/// <summary>A story that ends while it is being made: the work, standing still at the last step before publishing, ends by itself and leaves nothing.</summary>
public sealed class EndedInProcessingTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("taken down")]
    [InlineData("its audience deleted")]
    [InlineData("its author erased")]
    [InlineData("expired")]
    public async Task A_story_that_ends_in_the_middle_of_being_made_leaves_nothing(string end)
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice-the-author");
        var posted = await alice.PostAsync([Samples.Photo], lifetime: TimeSpan.FromMinutes(1), cancellationToken: Cancel);
        var about = await EverythingAbout.RememberStoryAsync(service, posted.Story);
        await using var gate = await BucketGate.CloseAsync(service.Database, Cancel);
        var work = service.ProcessAsync(posted.Story, Cancel);
        await gate.WaitForSomebodyAsync(Cancel);
        Assert.NotEmpty(await Remains.RenditionsAsync(service));

        using var moderator = new StoriesClient(service.Address, service.Token("moderator", "moderate"));
        switch (end)
        {
            case "taken down": await moderator.TakeDownAsync(posted.Story, TakedownReason.Violence, Cancel); break;
            case "its audience deleted": await alice.Audiences.DeleteAsync("friends", Cancel); break;
            case "its author erased": await alice.Client.EraseUserAsync(alice.Self, Cancel); break;
            case "expired": service.Clock.MoveTo(posted.ExpiresAt); break;
        }
        // The gate stays closed: the claim's keeper ends the work.
        await work.WaitAsync(TimeSpan.FromSeconds(5), Cancel);

        Assert.Empty(await Remains.RenditionsAsync(service));
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Empty(await Remains.PublishedAsync(service));
        Assert.True(Remains.IsScratchEmpty(service.Worker));
        StoryState? left = await service.ReadAsync(db => db.Stories.Select(s => (StoryState?)s.State).SingleOrDefaultAsync(Cancel));
        Assert.Equal(end switch { "taken down" => StoryState.TakenDown, "its audience deleted" => StoryState.Withdrawn, "expired" => StoryState.ExpiredBeforeLive, _ => null as StoryState? }, left);

        await gate.OpenAsync(Cancel);
        await service.LetEverythingEndAsync();
        // The upload's row stays for the day's quota, and does not say any more of what story; its blob's name leads nowhere.
        Assert.DoesNotContain(await about.FindAsync(), place => place.Contains(posted.Story.ToString(), StringComparison.OrdinalIgnoreCase) || place.StartsWith("storage", StringComparison.Ordinal));
    }
}
