using System.Security.Cryptography;
using System.Text;
using Stories.Protocol;

namespace Stories.Tests.Protocol;

public sealed class ErasureRecordTests
{
    private const string Deployment = "here";

    private static readonly Guid Bucket = new("0a0b0c0d-0000-4000-8000-000000000001");
    private static readonly byte[] Leaf = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly ErasureTicket Ticket = new(Deployment, Bucket, Leaf);

    [Fact]
    public void A_record_is_written_in_one_form()
    {
        var record = Record() with { Leaves = [ErasureRecord.HashOf(Leaf)], Stories = 1 };
        Assert.Equal(
            $$"""{"deployment":"here","bucket":"{{Bucket}}","due":1000,"erased":1500,"stories":1,"blobs":4,"bytes":5000,"leaves":["{{Convert.ToHexStringLower(SHA256.HashData(Leaf))}}"]}""",
            Encoding.UTF8.GetString(StoriesJson.Write(record)));
    }

    [Fact]
    public void A_record_proves_the_stories_that_stand_in_it_and_no_other()
    {
        using var key = SigningKey.Generate();
        var proof = Sign(key, Record());
        Assert.Null(ErasureRecord.FindFault(proof, key.PublicKey, Ticket, out var record));
        Assert.Equal((3, 4, 5000L), (record!.Stories, record.Blobs, record.Bytes));
        Assert.Equal(ErasureFault.LeafMissing, ErasureRecord.FindFault(proof, key.PublicKey, Ticket with { Leaf = new byte[32] }, out _));
        Assert.Equal(ErasureFault.LeafMissing, ErasureRecord.FindFault(proof, key.PublicKey, Ticket with { Leaf = [] }, out _));
    }

    public static TheoryData<string, ErasureFault> Bent => new()
    {
        { "another key", ErasureFault.NotSigned },
        { "another purpose", ErasureFault.NotSigned },
        { "a bit of it", ErasureFault.NotSigned },
        { "another deployment", ErasureFault.AnotherBucket },
        { "another bucket", ErasureFault.AnotherBucket },
        { "erased before its end", ErasureFault.TooEarly },
        { "without the leaf", ErasureFault.LeafMissing },
        { "unsorted", ErasureFault.Malformed },
        { "a leaf twice", ErasureFault.Malformed },
        { "more stories than leaves", ErasureFault.Malformed },
        { "fewer stories than leaves", ErasureFault.Malformed },
        { "a leaf in capitals", ErasureFault.Malformed },
        { "a short leaf", ErasureFault.Malformed },
        { "no leaf but null", ErasureFault.Malformed },
        { "no leaves", ErasureFault.Malformed },
        { "negative bytes", ErasureFault.Malformed },
        { "white space", ErasureFault.Malformed },
        { "another property", ErasureFault.Malformed },
        { "another kind of record", ErasureFault.Malformed },
        { "no JSON", ErasureFault.Malformed },
    };

    [Theory]
    [MemberData(nameof(Bent))]
    public void A_record_that_is_bent_is_no_proof(string how, ErasureFault fault)
    {
        using var key = SigningKey.Generate();
        using var other = SigningKey.Generate();
        var good = Record();
        var proof = how switch
        {
            "another key" => Sign(other, good),
            "another purpose" => Sign(key, good, SignaturePurpose.ProcessingKey),
            "a bit of it" => Sign(key, good) with { Bytes = StoriesJson.Write(good with { Bytes = 5001 }) },
            "another deployment" => Sign(key, good with { Deployment = "there" }),
            "another bucket" => Sign(key, good with { Bucket = Guid.NewGuid() }),
            "erased before its end" => Sign(key, good with { Erased = good.Due - 1 }),
            "without the leaf" => Sign(key, good with { Stories = 2, Leaves = [.. good.Leaves.Where(l => l != ErasureRecord.HashOf(Leaf))] }),
            "unsorted" => Sign(key, good with { Leaves = [.. good.Leaves.Reverse()] }),
            "a leaf twice" => Sign(key, good with { Stories = 4, Leaves = [good.Leaves[0], .. good.Leaves] }),
            "more stories than leaves" => Sign(key, good with { Stories = 4 }),
            "fewer stories than leaves" => Sign(key, good with { Stories = 2 }),
            "a leaf in capitals" => Sign(key, good with { Stories = 1, Leaves = [ErasureRecord.HashOf(Leaf).ToUpperInvariant()] }),
            "a short leaf" => Sign(key, good with { Stories = 1, Leaves = [ErasureRecord.HashOf(Leaf)[1..]] }),
            "no leaf but null" => Sign(key, good with { Stories = 1, Leaves = [null!] }),
            "no leaves" => Sign(key, good with { Stories = 0, Leaves = null! }),
            "negative bytes" => Sign(key, good with { Bytes = -1 }),
            "white space" => Sign(key, [.. StoriesJson.Write(good), (byte)' ']),
            "another property" => Sign(key, [.. StoriesJson.Write(good)[..^1], .. ",\"x\":1}"u8]),
            "another kind of record" => Sign(key, StoriesJson.Write(new ProcessingKeyEntry(Bucket, "age1", 1))),
            "no JSON" => Sign(key, "erased"u8.ToArray()),
            _ => throw new ArgumentOutOfRangeException(nameof(how)),
        };
        Assert.Equal(fault, ErasureRecord.FindFault(proof, key.PublicKey, Ticket, out _));
    }

    [Fact]
    public void A_bucket_in_which_there_was_nothing_has_a_record_too()
    {
        using var key = SigningKey.Generate();
        Assert.Equal(ErasureFault.LeafMissing, ErasureRecord.FindFault(Sign(key, Record() with { Stories = 0, Blobs = 0, Bytes = 0, Leaves = [] }), key.PublicKey, Ticket, out var record));
        Assert.Empty(record!.Leaves);
    }

    private static ErasureRecord Record() => new(
        Deployment, Bucket, 1000, 1500, 3, 4, 5000, [.. new[] { Leaf, [1], [2] }.Select(leaf => ErasureRecord.HashOf(leaf)).Order(StringComparer.Ordinal)]);

    private static SignedRecord Sign(SigningKey key, ErasureRecord record, string purpose = SignaturePurpose.ErasureRecord) => Sign(key, StoriesJson.Write(record), purpose);

    private static SignedRecord Sign(SigningKey key, byte[] bytes, string purpose = SignaturePurpose.ErasureRecord) => new(bytes, key.Sign(purpose, bytes), key.Id);
}
