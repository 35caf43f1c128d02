using CsCheck;
using Stories.Protocol;

namespace Stories.Tests.Protocol;

public sealed class SignatureTests
{
    /// <summary>RFC 8032, section 7.1, test 1.</summary>
    private static readonly byte[] Seed = Convert.FromHexString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");

    private static readonly byte[] Public = Convert.FromHexString("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");

    [Fact]
    public void A_seed_gives_the_public_key_of_the_RFC_and_is_given_back()
    {
        using var key = SigningKey.FromSeed(Seed);
        Assert.Equal(Public, key.PublicKey);
        Assert.Equal(Seed, key.ExportSeed());
        Assert.Equal(SigningKey.IdOf(Public), key.Id);
        Assert.Equal("21fe31dfa154a261", key.Id);
    }

    [Fact]
    public void A_signature_holds_for_its_bytes_and_for_no_others()
    {
        using var key = SigningKey.FromSeed(Seed);
        Gen.Select(Gen.Byte.Array[1, 300], Gen.Int[0, 299], Gen.Int[0, 7]).Sample((bytes, at, bit) =>
        {
            var signature = key.Sign(SignaturePurpose.StoryManifest, bytes);
            var other = bytes.ToArray();
            other[at % other.Length] ^= (byte)(1 << bit);
            var bent = signature.ToArray();
            bent[at % bent.Length] ^= (byte)(1 << bit);
            return Signatures.Verify(Public, SignaturePurpose.StoryManifest, bytes, signature)
                && !Signatures.Verify(Public, SignaturePurpose.StoryManifest, other, signature)
                && !Signatures.Verify(Public, SignaturePurpose.StoryManifest, bytes, bent);
        }, iter: 200);
    }

    [Fact]
    public void A_signature_for_one_purpose_is_none_for_another()
    {
        using var key = SigningKey.FromSeed(Seed);
        string[] purposes = [SignaturePurpose.StoryManifest, SignaturePurpose.RenditionManifest, SignaturePurpose.ProcessingKey, SignaturePurpose.ErasureRecord];
        foreach (var purpose in purposes)
        {
            var signature = key.Sign(purpose, "bytes"u8);
            Assert.Equal([purpose], purposes.Where(other => Signatures.Verify(Public, other, "bytes"u8, signature)));
        }
    }

    [Fact]
    public void A_key_or_signature_of_another_form_is_refused_and_not_an_error()
    {
        using var key = SigningKey.FromSeed(Seed);
        var signature = key.Sign(SignaturePurpose.ProcessingKey, "bytes"u8);
        Assert.False(Signatures.Verify([], SignaturePurpose.ProcessingKey, "bytes"u8, signature));
        Assert.False(Signatures.Verify(Public.AsSpan(1), SignaturePurpose.ProcessingKey, "bytes"u8, signature));
        Assert.False(Signatures.Verify(Public, SignaturePurpose.ProcessingKey, "bytes"u8, signature.AsSpan(1)));
        Assert.False(Signatures.Verify(Public, SignaturePurpose.ProcessingKey, "bytes"u8, [.. signature, 0]));
        Assert.False(Signatures.Verify(new byte[32], SignaturePurpose.ProcessingKey, "bytes"u8, signature));
    }
}
