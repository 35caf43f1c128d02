using CsCheck;
using Stories.Protocol;

namespace Stories.Tests.Protocol;

public sealed class PaddingTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Worked by hand from algorithm 1 of Nikitin et al., PETS 2019; 16 of the bytes are the trailer.</summary>
    [Theory]
    [InlineData(16, 16)]
    [InlineData(17, 18)]
    [InlineData(100, 104)]
    [InlineData(1000, 1024)]
    [InlineData(1024, 1024)]
    [InlineData(1025, 1088)]
    [InlineData(65_536, 65_536)]
    [InlineData(1_000_000, 1_015_808)]
    [InlineData(8_388_609, 8_650_752)]
    [InlineData(67_108_864, 67_108_864)]
    public void The_padded_size_is_the_one_that_the_paper_defines(long contentAndTrailer, long padded) =>
        Assert.Equal(padded, Padding.PaddedLength(contentAndTrailer - Padding.TrailerBytes));

    [Fact]
    public void The_padded_size_holds_content_and_trailer_and_costs_at_most_twelve_percent() =>
        Gen.Long[0, 1L << 40].Sample(content =>
        {
            var length = content + Padding.TrailerBytes;
            var padded = Padding.PaddedLength(content);
            return padded >= length && padded <= length + length * 12 / 100 && Padding.PaddedLength(padded - Padding.TrailerBytes) == padded;
        });

    [Fact]
    public void A_longer_content_is_never_padded_to_less() =>
        Gen.Select(Gen.Long[0, 1L << 30], Gen.Long[0, 1L << 30]).Sample((one, other) =>
            Padding.PaddedLength(Math.Min(one, other)) <= Padding.PaddedLength(Math.Max(one, other)));

    [Fact]
    public Task What_was_padded_has_its_length_inside() =>
        Gen.Byte.Array[0, 5000].SampleAsync(async content =>
        {
            using var padded = new MemoryStream();
            await Padding.WritePaddedAsync(new MemoryStream(content), content.Length, padded, Cancel);
            var bytes = padded.ToArray();
            Assert.Equal(Padding.PaddedLength(content.Length), bytes.Length);
            Assert.Equal(content.Length, Padding.ContentLength(bytes.AsSpan(^Padding.TrailerBytes..), bytes.Length));
            Assert.Equal(content, bytes[..content.Length]);
            Assert.All(bytes[content.Length..^Padding.TrailerBytes], b => Assert.Equal(0, b));
        }, iter: 200);

    [Fact]
    public void A_plain_file_is_all_content_and_so_is_one_whose_trailer_cannot_be_true()
    {
        Assert.Equal(5, Padding.ContentLength("plain"u8, 5));
        Assert.Equal(1024, Padding.ContentLength(new byte[16], 1024));
        foreach (var length in (long[])[-1, 1, 1009, 5000, long.MaxValue])
        {
            var trailer = new byte[Padding.TrailerBytes];
            Padding.WriteTrailer(trailer, length);
            Assert.Equal(1024, Padding.ContentLength(trailer, 1024));
        }
        var genuine = new byte[Padding.TrailerBytes];
        Padding.WriteTrailer(genuine, 1000);
        Assert.Equal(1000, Padding.ContentLength(genuine, 1024));
    }
}
