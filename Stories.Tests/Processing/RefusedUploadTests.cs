using System.Text;
using Stories.Age;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Processing;

/// <summary>Bad input is refused by its own code, at the first attempt, and leaves nothing.</summary>
public sealed class RefusedUploadTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_for_another_key_is_refused()
    {
        using var other = AgeIdentity.Generate();
        await RefuseAsync(_ => AgeFile.Encrypt(Photo, other.Recipient), ProblemCodes.MediaNotDecryptable);
    }

    [Fact]
    public Task A_truncated_file_is_refused() => RefuseAsync(recipient => AgeFile.Encrypt(Photo, recipient)[..^1], ProblemCodes.MediaTruncated);

    [Fact]
    public Task A_file_cut_between_chunks_is_refused() =>
        RefuseAsync(recipient => AgeFile.Encrypt(Photo, recipient) is var file ? file[..(file.Length - Photo.Length % 65_536 - 16)] : [], ProblemCodes.MediaTruncated);

    [Fact]
    public Task A_changed_file_is_refused() => RefuseAsync(
        recipient =>
        {
            var file = AgeFile.Encrypt(Photo, recipient);
            file[^100] ^= 1;
            return file;
        },
        ProblemCodes.MediaTruncated);

    [Fact]
    public Task Other_bytes_than_the_author_signed_are_refused() =>
        RefuseAsync(recipient => AgeFile.Encrypt(Photo, recipient), ProblemCodes.MediaDigestMismatch, file => new Digest(new string('0', 64), file.Length));

    [Fact]
    public Task A_passphrase_is_refused() =>
        RefuseAsync(_ => Encoding.ASCII.GetBytes("age-encryption.org/v1\n-> scrypt Ey+XSJ6LMkzVSTZ6pL1F5g 22\nJJY5GsVQ/Cgt5i7SIN6+EiCkyhrlmAcJrOIDF6SgQ6Y\n--- lUmXYMOh5AbeCpyPZWy9QRYGGQZbfUb5YyTHyWjWYJA\n" + new string('x', 200)), ProblemCodes.MediaHeaderRefused);

    [Fact]
    public Task More_than_two_stanzas_are_refused() => RefuseAsync(
        recipient =>
        {
            using var one = AgeIdentity.Generate();
            using var two = AgeIdentity.Generate();
            return AgeFile.Encrypt(Photo, recipient, one.Recipient, two.Recipient);
        },
        ProblemCodes.MediaHeaderRefused);

    [Fact]
    public Task What_is_no_age_file_is_refused() => RefuseAsync(_ => Photo, ProblemCodes.MediaHeaderRefused);

    [Fact]
    public Task A_file_posted_with_a_plain_age_client_needs_no_padding_but_must_be_media() =>
        RefuseAsync(recipient => AgeFile.Encrypt("only text"u8, recipient), "media.unknownType");

    [Fact]
    public async Task A_photo_posted_with_a_plain_age_client_goes_live()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var key = await CraftedPost.KeyAsync(alice, Cancel);
        var story = await CraftedPost.SendAsync(service, alice, AgeFile.Encrypt(Photo, AgeRecipient.Parse(key.Recipient)), Cancel);

        await service.ProcessAsync(story, Cancel);

        Assert.Equal(StoryState.Live, (await ProcessStoryTests.StoryAsync(service, story)).State);
    }

    [Fact]
    public async Task A_photo_in_the_video_lane_is_refused()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var key = await CraftedPost.KeyAsync(alice, Cancel);
        var story = await CraftedPost.SendAsync(service, alice, AgeFile.Encrypt(Photo, AgeRecipient.Parse(key.Recipient)), Cancel, lane: Lane.Video);

        await service.ProcessAsync(story, Cancel);

        await ProcessStoryTests.AssertRejectedAsync(service, story, "media.wrongLane");
    }

    [Fact]
    public async Task What_needs_more_scratch_than_there_is_is_refused()
    {
        await using var service = await Service.StartAsync(servers, new() { ["Media:ScratchBytes"] = "1048576" });
        var alice = service.User("alice");
        var key = await CraftedPost.KeyAsync(alice, Cancel);
        var story = await CraftedPost.SendAsync(service, alice, AgeFile.Encrypt(new byte[2 << 20], AgeRecipient.Parse(key.Recipient)), Cancel);

        await service.ProcessAsync(story, Cancel);

        await ProcessStoryTests.AssertRejectedAsync(service, story, "media.limit");
    }

    [Theory]
    [MemberData(nameof(Samples.Hostile), MemberType = typeof(Samples))]
    public async Task A_hostile_sample_is_refused_by_its_own_code_and_leaves_nothing(string file)
    {
        await using var service = await Service.StartAsync(servers);
        var story = (await service.User("alice").PostAsync([Samples.PathOf(file)], cancellationToken: Cancel)).Story;

        await service.ProcessAsync(story, Cancel);

        await ProcessStoryTests.AssertRejectedAsync(service, story, Samples.Of(file).Code!);
    }

    private static byte[] Photo { get; } = File.ReadAllBytes(Samples.Photo);

    private async Task RefuseAsync(Func<AgeRecipient, byte[]> make, string code, Func<byte[], Digest>? signed = null)
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var file = make(AgeRecipient.Parse((await CraftedPost.KeyAsync(alice, Cancel)).Recipient));
        var story = await CraftedPost.SendAsync(service, alice, file, Cancel, signed?.Invoke(file));

        await service.ProcessAsync(story, Cancel);

        await ProcessStoryTests.AssertRejectedAsync(service, story, code);
        Assert.Equal(1, (await ProcessStoryTests.StoryAsync(service, story)).Attempt);
    }
}
