using System.Text;
using CsCheck;
using Stories.Protocol;

namespace Stories.Tests.Protocol;

public sealed class StoriesJsonTests
{
    private const string Written =
        """{"story":"00000000-0000-0000-0000-000000000001","author":"chat/alice","device":"00000000-0000-0000-0000-000000000002","audience":"00000000-0000-0000-0000-000000000003","epoch":4,"level":"processed","recipient":"age1x","createdAt":1700000000,"lifetime":86400,"uploads":[{"sha256":"aa","length":5}],"payload":{"sha256":"bb","length":6}}""";

    private static readonly StoryManifest Manifest = new(
        Id(1), "chat/alice", Id(2), Id(3), 4, Level.Processed, "age1x", 1_700_000_000, 86_400, [new Digest("aa", 5)], new Digest("bb", 6));

    [Fact]
    public void A_manifest_is_written_in_the_order_of_its_declaration_without_white_space() =>
        Assert.Equal(Written, Encoding.UTF8.GetString(StoriesJson.Write(Manifest)));

    [Fact]
    public void What_is_missing_is_left_out() =>
        Assert.DoesNotContain("payload", Encoding.UTF8.GetString(StoriesJson.Write(Manifest with { Payload = null })), StringComparison.Ordinal);

    [Fact]
    public void Whatever_is_written_is_read_again_as_the_same() =>
        Gen.Select(Gen.Guid, Gen.String[Gen.Char.AlphaNumeric, 1, 128], Gen.Int.Positive, Gen.Long, Gen.Int, Gen.Long.Array[0, 10]).Sample((id, user, epoch, createdAt, lifetime, lengths) =>
        {
            var manifest = new StoryManifest(id, $"chat/{user}", id, id, epoch, Level.Clear, "age1x", createdAt, lifetime, [.. lengths.Select(l => new Digest("aa", l))]);
            var bytes = StoriesJson.Write(manifest);
            return StoriesJson.ReadCanonical<StoryManifest>(bytes) is { } read && StoriesJson.Write(read).SequenceEqual(bytes);
        });

    [Theory]
    [InlineData("{\"story\"", "{ \"story\"")]
    [InlineData("\"epoch\":4", "\"epoch\":\"4\"")]
    [InlineData("\"epoch\":4", "\"epoch\":4.0")]
    [InlineData("\"epoch\":4", "\"epoch\":4e0")]
    [InlineData("\"epoch\":4", "\"epoch\":4,\"epoch\":4")]
    [InlineData("\"epoch\":4,", "\"epoch\":4,\"more\":1,")]
    [InlineData("\"epoch\":4", "\"Epoch\":4")]
    [InlineData("\"level\":\"processed\"", "\"level\":\"Processed\"")]
    [InlineData("\"level\":\"processed\"", "\"level\":1")]
    [InlineData("chat/alice", "chat\\/alice")]
    [InlineData("chat/alice", "chat/\\u0061lice")]
    [InlineData("0003\",\"epoch\":4", "0003\"")]
    [InlineData(",\"payload\":{\"sha256\":\"bb\",\"length\":6}", ",\"payload\":null")]
    [InlineData("\"length\":6}}", "\"length\":6}} ")]
    [InlineData("\"length\":6}}", "\"length\":6}")]
    public void The_same_in_another_form_is_not_canonical(string from, string to)
    {
        Assert.NotNull(StoriesJson.ReadCanonical<StoryManifest>(Encoding.UTF8.GetBytes(Written)));
        var other = Written.Replace(from, to, StringComparison.Ordinal);
        Assert.NotEqual(Written, other);
        Assert.Null(StoriesJson.ReadCanonical<StoryManifest>(Encoding.UTF8.GetBytes(other)));
    }

    [Fact]
    public void What_is_not_JSON_at_all_is_refused_without_a_fuss() =>
        Gen.Byte.Array[0, 200].Sample(bytes => StoriesJson.ReadCanonical<StoryManifest>(bytes) is null);

    private static Guid Id(int number) => new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)number);
}
