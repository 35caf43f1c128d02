using System.Security.Cryptography;
using System.Text.Json;
using Stories.Age;
using Stories.Client;
using Stories.Protocol;

namespace Stories.Tests.Client;

public sealed class DeviceStoreTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string parent = Directory.CreateTempSubdirectory("stories-store-").FullName;

    private string Home => Path.Combine(parent, "home");
    private string DeviceFile => Path.Combine(Home, "device.json");

    public void Dispose() => Directory.Delete(parent, recursive: true);

    [Fact]
    public void Only_its_owner_may_read_it_from_the_first_byte_on_and_nothing_lies_beside_it()
    {
        using var store = DeviceStore.Open(Home);
        store.NameAudience("friends", Guid.NewGuid());
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(Home));
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(DeviceFile));
        Assert.Equal([DeviceFile], Directory.GetFileSystemEntries(Home));
    }

    [Fact]
    public void It_is_the_same_device_with_the_same_keys_when_it_is_opened_again()
    {
        var audience = Guid.NewGuid();
        using var epoch = AgeIdentity.Generate();
        var roll = new EpochRoll(["chat/bob"], [Guid.NewGuid()]);
        using var first = DeviceStore.Open(Home);
        first.NameAudience("friends", audience);
        first.KeepEpoch(audience, 3, epoch, roll);
        first.PinServiceKey(new byte[32]);

        using var again = DeviceStore.Open(Home);
        Assert.Equal((first.Id, first.Identity.Recipient, audience), (again.Id, again.Identity.Recipient, again.FindAudience("friends")));
        Assert.Equal(first.SigningKey.PublicKey, again.SigningKey.PublicKey);
        Assert.Equal(epoch.Recipient, again.FindEpoch(audience, 3)!.Recipient);
        Assert.Equal(roll.Members, again.FindRoll(audience, 3)!.Members);
        Assert.Equal(roll.Devices, again.FindRoll(audience, 3)!.Devices);
        // Who was in an earlier epoch nobody asks; its key opens what was posted to it.
        again.KeepEpoch(audience, 4, epoch, roll);
        Assert.Null(again.FindRoll(audience, 3));
        Assert.NotNull(again.FindRoll(audience, 4));
        Assert.Equal(epoch.Recipient, again.FindEpoch(audience, 3)!.Recipient);
        Assert.Equal(new byte[32], again.ServiceKey);
        Assert.Null(again.FindEpoch(audience, 2));
        Assert.Null(again.FindAudience("others"));
    }

    [Fact]
    public async Task What_several_processes_keep_at_once_is_all_kept()
    {
        DeviceStore.Open(Home).Dispose();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(() =>
        {
            using var store = DeviceStore.Open(Home);
            for (var i = 0; i < 10; i++) store.NameAudience($"{writer}-{i}", Guid.NewGuid());
        })));
        using var after = DeviceStore.Open(Home);
        Assert.Equal(40, after.AudienceNames.Count);
    }

    [Fact]
    public void The_first_to_name_an_audience_wins_and_the_other_is_told()
    {
        using var one = DeviceStore.Open(Home);
        using var other = DeviceStore.Open(Home);
        var first = one.NameAudience("friends", Guid.NewGuid());
        Assert.Equal(first, other.NameAudience("friends", Guid.NewGuid()));
    }

    [Fact]
    public void What_one_process_keeps_another_finds_without_opening_the_store_again()
    {
        using var one = DeviceStore.Open(Home);
        using var other = DeviceStore.Open(Home);
        using var epoch = AgeIdentity.Generate();
        var ticket = new KeptTicket(Guid.NewGuid(), DateTimeOffset.UnixEpoch, new ErasureTicket("here", Guid.NewGuid(), new byte[32]));
        var audience = one.NameAudience("friends", Guid.NewGuid());
        Assert.Equal(audience, other.FindAudience("friends"));
        one.KeepEpoch(audience, 1, epoch, new EpochRoll([], [one.Id]));
        Assert.Equal([one.Id], other.FindRoll(audience, 1)!.Devices);
        Assert.Equal(epoch.Recipient, other.FindEpoch(audience, 1)!.Recipient);
        one.KeepTicket(ticket, DateTimeOffset.UnixEpoch);
        Assert.Equal(ticket.Ticket.Bucket, other.FindTicket(ticket.Story)!.Ticket.Bucket);
        Assert.Null(other.FindTicket(Guid.NewGuid()));
    }

    [Fact]
    public void Who_is_in_an_epoch_is_not_forgotten_when_somebody_keeps_its_key_again()
    {
        var audience = Guid.NewGuid();
        using var epoch = AgeIdentity.Generate();
        using var another = AgeIdentity.Generate();
        using var one = DeviceStore.Open(Home);
        using var other = DeviceStore.Open(Home);
        one.KeepEpoch(audience, 1, epoch, new EpochRoll(["chat/bob"], [one.Id]));
        other.KeepEpoch(audience, 1, epoch);
        Assert.Equal(["chat/bob"], other.FindRoll(audience, 1)!.Members);
        // Of another key it says nothing.
        other.KeepEpoch(audience, 1, another);
        Assert.Null(other.FindRoll(audience, 1));
    }

    [Fact]
    public void Copies_that_a_killed_process_left_aside_are_gone_and_nothing_else_is()
    {
        DeviceStore.Open(Home).Dispose();
        string[] others = [DeviceFile + ".bak", Path.Combine(Home, $"other.json.{Guid.NewGuid():N}")];
        foreach (var path in (string[])[$"{DeviceFile}.{Guid.NewGuid():N}", .. others]) File.Copy(DeviceFile, path);
        DeviceStore.Open(Home).Dispose();
        Assert.Equal([DeviceFile, .. others], Directory.GetFiles(Home).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_offer_key_is_the_same_in_every_process_and_none_is_made_of_keys_that_are_wiped()
    {
        var store = DeviceStore.Open(Home);
        var seed = JsonDocument.Parse(File.ReadAllText(DeviceFile)).RootElement.GetProperty("signingSeed").GetBytesFromBase64();
        using var expected = SigningKey.FromSeed(HKDF.DeriveKey(HashAlgorithmName.SHA256, seed, 32, info: "stories/offer-key/v1"u8.ToArray()));
        store.NameAudience("friends", Guid.NewGuid());
        using (var key = store.OpenOfferKey()) Assert.Equal(expected.PublicKey, key.PublicKey);
        store.Dispose();
        Assert.Throws<ObjectDisposedException>(store.OpenOfferKey);
    }

    [Fact]
    public void Tickets_are_kept_for_ninety_days_after_their_story_and_a_store_from_before_there_were_any_opens()
    {
        var end = DateTimeOffset.UnixEpoch;
        using var store = DeviceStore.Open(Home);
        Assert.DoesNotContain("tickets", File.ReadAllText(DeviceFile), StringComparison.Ordinal);
        Assert.Empty(store.Tickets);
        var (old, young) = (Ticket(end), Ticket(end + TimeSpan.FromDays(1)));
        store.KeepTicket(old, end);
        store.KeepTicket(old, end + TimeSpan.FromDays(89));
        store.KeepTicket(young, end + TimeSpan.FromDays(89));

        using var again = DeviceStore.Open(Home);
        Assert.Equal([old.Story, young.Story], again.Tickets.Select(t => t.Story));
        Assert.Equal(young.Ticket.Leaf, again.Tickets[1].Ticket.Leaf);
        again.KeepTicket(Ticket(end + TimeSpan.FromDays(90)), end + TimeSpan.FromDays(90));
        Assert.Equal(2, again.Tickets.Count);
        Assert.DoesNotContain(old.Story, again.Tickets.Select(t => t.Story));

        static KeptTicket Ticket(DateTimeOffset expiresAt) => new(Guid.NewGuid(), expiresAt, new ErasureTicket("here", Guid.NewGuid(), new byte[32]));
    }

    [Fact]
    public void Another_service_key_than_the_pinned_one_is_refused()
    {
        using var store = DeviceStore.Open(Home);
        Assert.Null(store.ServiceKey);
        store.PinServiceKey(new byte[32]);
        store.PinServiceKey(new byte[32]);
        Assert.Throws<NotGenuineException>(() => store.PinServiceKey([.. new byte[31], 1]));
    }

    [Fact]
    public void Keys_that_others_may_read_or_replace_are_not_used()
    {
        DeviceStore.Open(Home).Dispose();
        File.SetUnixFileMode(DeviceFile, OwnerOnly | UnixFileMode.GroupRead);
        Assert.Contains("chmod", Assert.Throws<UnauthorizedAccessException>(() => DeviceStore.Open(Home)).Message, StringComparison.Ordinal);
        File.SetUnixFileMode(DeviceFile, OwnerOnly);
        File.SetUnixFileMode(Home, OwnerOnly | UnixFileMode.UserExecute | UnixFileMode.OtherWrite);
        Assert.Throws<UnauthorizedAccessException>(() => DeviceStore.Open(Home));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""{"device":"00000000-0000-0000-0000-000000000001","identity":"AGE-SECRET-KEY-1","signingSeed":"AAAA","audiences":[],"epochs":[]}""")]
    public void A_damaged_file_is_refused_kept_and_not_quoted(string text)
    {
        DeviceStore.Open(Home).Dispose();
        File.WriteAllText(DeviceFile, text);
        var refusal = Assert.Throws<InvalidDataException>(() => DeviceStore.Open(Home));
        Assert.DoesNotContain("AGE-SECRET", refusal.ToString(), StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(DeviceFile));
    }
}
