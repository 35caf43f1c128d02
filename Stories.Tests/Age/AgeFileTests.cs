using System.Text;
using CsCheck;
using Stories.Age;

namespace Stories.Tests.Age;

public sealed class AgeFileTests
{
    private const int Chunk = 64 * 1024;
    private const int SealedChunk = Chunk + 16;
    private static readonly int[] Edges = [0, 1, Chunk - 1, Chunk, Chunk + 1, 2 * Chunk, 2 * Chunk + 1, 3 * Chunk - 1];

    public static TheoryData<int> Lengths => new(Edges);

    [Theory]
    [MemberData(nameof(Lengths))]
    public void What_was_encrypted_comes_back_at_every_chunk_edge_and_is_as_long_as_computed(int length)
    {
        using var identity = AgeIdentity.Generate();
        var plain = Bytes(length);
        var file = AgeFile.Encrypt(plain, identity.Recipient);
        Assert.Equal(AgeFile.CiphertextLength(length, 1), file.Length);
        Assert.Equal(plain, AgeFile.Decrypt(file, identity));
    }

    [Fact]
    public void The_readme_example_works()
    {
        using var identity = AgeIdentity.Generate();
        AgeRecipient recipient = identity.Recipient;
        byte[] file = AgeFile.Encrypt("for your eyes only"u8, recipient);
        byte[] plain = AgeFile.Decrypt(file, identity);
        Assert.Equal("for your eyes only", Encoding.UTF8.GetString(plain));
    }

    [Fact]
    public void Streams_written_and_read_in_any_pieces_give_the_same_bytes() => Gen.Select(Gen.Int[0, 200_000], Gen.Int[1, 70_000], Gen.Int[1, 70_000]).Sample((length, writes, reads) =>
    {
        using var identity = AgeIdentity.Generate();
        var plain = Bytes(length);
        using var file = new MemoryStream();
        using (var encrypt = new AgeEncryptStream(file, [identity.Recipient]))
        {
            for (var at = 0; at < length; at += writes) encrypt.Write(plain, at, Math.Min(writes, length - at));
            encrypt.CompleteAsync().AsTask().GetAwaiter().GetResult();
        }
        file.Position = 0;
        using var decrypt = AgeDecryptStream.OpenAsync(new Trickle(file), [identity]).GetAwaiter().GetResult();
        using var back = new MemoryStream();
        var buffer = new byte[reads];
        for (int read; (read = decrypt.Read(buffer, 0, reads)) > 0;) back.Write(buffer, 0, read);
        return plain.AsSpan().SequenceEqual(back.ToArray());
    }, iter: 60, seed: "0000KOIPe036");

    [Fact]
    public void Each_of_several_recipients_opens_the_file_alone_and_a_stranger_does_not()
    {
        using var one = AgeIdentity.Generate();
        using var two = AgeIdentity.Generate();
        using var stranger = AgeIdentity.Generate();
        var file = AgeFile.Encrypt("both"u8, one.Recipient, two.Recipient);
        Assert.Equal(AgeFile.CiphertextLength(4, 2), file.Length);
        Assert.Equal("both"u8, AgeFile.Decrypt(file, one));
        Assert.Equal("both"u8, AgeFile.Decrypt(file, two));
        Assert.Equal(AgeFailure.NoMatch, Failure(file, stranger));
    }

    [Fact]
    public void A_flipped_bit_anywhere_is_found()
    {
        using var identity = AgeIdentity.Generate();
        var file = AgeFile.Encrypt(Bytes(300), identity.Recipient);
        for (var at = 0; at < file.Length; at++)
        {
            var changed = file.ToArray();
            changed[at] ^= 1;
            Assert.NotNull(Failure(changed, identity));
        }
    }

    [Fact]
    public void A_file_cut_anywhere_is_found()
    {
        using var identity = AgeIdentity.Generate();
        var file = AgeFile.Encrypt(Bytes(2 * Chunk + 100), identity.Recipient);
        var start = (int)(AgeFile.CiphertextLength(0, 1) - 16);
        int[] cuts = [0, 10, start - 17, start - 1, start, start + 1, start + 15, start + SealedChunk - 1, start + SealedChunk, start + SealedChunk + 1, start + 2 * SealedChunk, start + 2 * SealedChunk + 1, file.Length - 1];
        Assert.All(cuts, cut => Assert.NotNull(Failure(file[..cut], identity)));
    }

    [Fact]
    public void Chunks_in_another_order_or_bytes_behind_the_end_are_found()
    {
        using var identity = AgeIdentity.Generate();
        var file = AgeFile.Encrypt(Bytes(3 * Chunk), identity.Recipient);
        var start = (int)(AgeFile.CiphertextLength(0, 1) - 16);
        byte[] swapped = [.. file[..start], .. file[(start + SealedChunk)..(start + 2 * SealedChunk)], .. file[start..(start + SealedChunk)], .. file[(start + 2 * SealedChunk)..]];
        Assert.Equal(AgeFailure.Payload, Failure(swapped, identity));
        Assert.Equal(AgeFailure.Payload, Failure([.. file, 0], identity));
    }

    [Fact]
    public void An_unfinished_file_is_refused_as_cut()
    {
        using var identity = AgeIdentity.Generate();
        using var file = new MemoryStream();
        using (var encrypt = new AgeEncryptStream(file, [identity.Recipient])) encrypt.Write(Bytes(2 * Chunk), 0, 2 * Chunk);
        Assert.Equal(AgeFailure.Truncated, Failure(file.ToArray(), identity));
    }

    [Fact]
    public void A_header_with_too_many_stanzas_or_bytes_is_refused_before_any_key_is_tried()
    {
        using var identity = AgeIdentity.Generate();
        var stanza = "-> X25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
        var flood = Encoding.ASCII.GetBytes("age-encryption.org/v1\n" + string.Concat(Enumerable.Repeat(stanza, 50_000)));
        // A low-order share would be a header failure the moment a curve operation saw it.
        Assert.Equal(AgeFailure.Limit, Failure(flood, identity, new AgeLimits { MaxStanzas = 2 }));
        Assert.Equal(AgeFailure.Limit, Failure(flood, identity, new AgeLimits { MaxHeaderBytes = 8192, MaxStanzas = 1000 }));
        var long1 = Encoding.ASCII.GetBytes("age-encryption.org/v1\n-> x " + new string('a', 100_000));
        Assert.Equal(AgeFailure.Limit, Failure(long1, identity));
    }

    [Fact]
    public void A_passphrase_is_refused_without_any_work()
    {
        using var identity = AgeIdentity.Generate();
        var file = Encoding.ASCII.GetBytes("age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 22\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n0000000000000000");
        Assert.Equal(AgeFailure.Scrypt, Failure(file, identity));
    }

    [Fact]
    public void Stanzas_of_other_types_are_passed_over()
    {
        using var identity = AgeIdentity.Generate();
        var other = "age-encryption.org/v1\n-> grease-x y z\n\n";
        using var file = new MemoryStream();
        // A header with a stranger's stanza needs its own MAC: made by hand from our own parts.
        var fileKey = new byte[16];
        var stanzas = new List<Stanza> { new(["grease-x", "y", "z"], []), identity.Recipient.Wrap(fileKey) };
        file.Write(AgeHeader.Write(fileKey, stanzas));
        file.Write(new byte[16]);
        using var payload = new Payload(fileKey, new byte[16]);
        var chunk = new byte[16 + 2];
        payload.Seal(0, isLast: true, "ok"u8, chunk);
        file.Write(chunk);
        Assert.StartsWith(other, Encoding.ASCII.GetString(file.ToArray()));
        Assert.Equal("ok"u8, AgeFile.Decrypt(file.ToArray(), identity));
    }

    [Fact]
    public void Any_part_can_be_read_without_what_comes_before() => Gen.Select(Gen.Int[0, 300_000], Gen.Int[0, 300_000], Gen.Int[1, 100_000]).Sample((length, offset, count) =>
    {
        using var identity = AgeIdentity.Generate();
        var plain = Bytes(length);
        var source = new MemorySource(AgeFile.Encrypt(plain, identity.Recipient));
        using var reader = AgeSeekableReader.OpenAsync(source, [identity]).GetAwaiter().GetResult();
        var part = new List<byte>();
        var buffer = new byte[count];
        while (part.Count < count)
        {
            var read = reader.ReadAsync(offset + part.Count, buffer.AsMemory(0, count - part.Count)).AsTask().GetAwaiter().GetResult();
            if (read == 0) break;
            part.AddRange(buffer[..read]);
        }
        var expected = offset >= length ? [] : plain[offset..Math.Min(length, offset + count)];
        return reader.Length == length && part.SequenceEqual(expected);
    }, iter: 60, seed: "0000KOIPe036");

    [Fact]
    public async Task A_cut_file_tells_no_length_to_the_seekable_reader()
    {
        using var identity = AgeIdentity.Generate();
        var file = AgeFile.Encrypt(Bytes(2 * Chunk + 5), identity.Recipient);
        foreach (var cut in new[] { file.Length - 1, file.Length - 21, file.Length - 21 - SealedChunk, 100 })
        {
            await Assert.ThrowsAsync<AgeException>(() => AgeSeekableReader.OpenAsync(new MemorySource(file[..cut]), [identity], cancellationToken: TestContext.Current.CancellationToken));
        }
    }

    [Theory]
    [InlineData("age1")]
    [InlineData("AGE1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj")]
    [InlineData("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk")]
    [InlineData("")]
    public void What_is_not_a_recipient_is_not_taken_for_one(string text) => Assert.False(AgeRecipient.TryParse(text, out _));

    [Fact]
    public void The_Kelvin_sign_is_no_k_though_its_lower_case_is_one()
    {
        const string recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
        Assert.True(AgeRecipient.TryParse(recipient, out _));
        Assert.False(AgeRecipient.TryParse(recipient.Replace('k', '\u212a'), out _));
    }

    // Of order 1, 2, 4 and 8, in each form that a u-coordinate can have.
    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")]
    [InlineData("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000080")]
    public void A_point_to_which_nothing_can_be_encrypted_is_no_recipient(string point) => Assert.False(AgeRecipient.TryParse(Bech32.Encode("age", Convert.FromHexString(point)), out _));

    [Fact]
    public void Keys_survive_their_text_form_and_an_identity_never_shows_its_secret_by_itself()
    {
        using var identity = AgeIdentity.Generate();
        using var back = AgeIdentity.Parse(identity.ExportSecret());
        Assert.Equal(identity.Recipient, back.Recipient);
        Assert.Equal(identity.Recipient, AgeRecipient.Parse(identity.Recipient.ToString()));
        Assert.Equal(identity.Recipient, AgeRecipient.Parse(identity.Recipient.ToString().ToUpperInvariant()));
        Assert.DoesNotContain("SECRET", identity.ToString());
    }

    private static AgeFailure? Failure(byte[] file, AgeIdentity identity, AgeLimits? limits = null)
    {
        try
        {
            AgeFile.Decrypt(file, identity, limits);
            return null;
        }
        catch (AgeException e)
        {
            return e.Failure;
        }
    }

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++) bytes[i] = (byte)(i * 31 + i / 251);
        return bytes;
    }

    /// <summary>Gives a byte or a few at a time, as networks do.</summary>
    private sealed class Trickle(Stream source) : Stories.Protocol.ReadOnlyStream
    {
        private int turn;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            source.ReadAsync(buffer[..Math.Min(buffer.Length, turn++ % 7 == 0 ? 1 : 5000)], cancellationToken);
    }

    private sealed class MemorySource(byte[] file) : IAgeRangeSource
    {
        public long Length => file.Length;

        public ValueTask ReadExactlyAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            file.AsMemory((int)offset, buffer.Length).CopyTo(buffer);
            return ValueTask.CompletedTask;
        }
    }
}
