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
    public Task A_file_cut_between_chunks_is_refused() =>
        RefuseAsync(recipient => AgeFile.Encrypt(Photo, recipient) is var file ? file[..(file.Length - Photo.Length % 65_536 - 16)] : [], ProblemCodes.MediaTruncated);

    [Fact]
    public Task A_file_posted_with_a_plain_age_client_needs_no_padding_but_must_be_media() =>
        RefuseAsync(recipient => AgeFile.Encrypt("only text"u8, recipient), "media.unknownType");

    [Fact]
    public Task What_needs_more_scratch_than_there_is_is_refused() =>
        RefuseAsync(recipient => AgeFile.Encrypt(new byte[2 << 20], recipient), "media.limit", new() { ["Media:ScratchBytes"] = $"{1 << 20}" });

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

    private async Task RefuseAsync(Func<AgeRecipient, byte[]> make, string code, Dictionary<string, string?>? settings = null)
    {
        await using var service = await Service.StartAsync(servers, settings);
        var key = await Tus.KeyAsync(service);
        var file = make(AgeRecipient.Parse(key.Recipient));
        var publishing = await new Publishing(service, service.User("alice")).PrepareAsync();
        using var http = service.Http("alice");
        publishing.Uploads.Add(await Tus.UploadAsync(http, key.Id, file));
        await publishing.PublishAsync(publishing.Request(digests: [Digest.Of(file)]));

        await service.ProcessAsync(publishing.Story, Cancel);

        await ProcessStoryTests.AssertRejectedAsync(service, publishing.Story, code);
        Assert.Equal(1, (await ProcessStoryTests.StoryAsync(service, publishing.Story)).Attempt);
    }
}
