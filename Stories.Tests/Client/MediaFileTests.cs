using Stories.Client;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Client;

public sealed class MediaFileTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Files => new(Samples.All.Select(s => s.File));

    [Theory]
    [MemberData(nameof(Files))]
    public void Each_sample_goes_to_the_lane_that_is_expected(string file) => Assert.Equal(Samples.Of(file).Lane, MediaFile.Of(Samples.PathOf(file)).Lane);

    [Theory]
    [InlineData("0000001866747970686569630000", "x", Lane.Photo, "image/heic")]
    [InlineData("0000001866747970617669660000", "x", Lane.Photo, "image/avif")]
    [InlineData("0000001866747970617669730000", "x", Lane.Photo, "image/avif")] // "avis"
    [InlineData("00000018667479706d7366310000", "x", Lane.Photo, "image/heic")] // "msf1"
    [InlineData("0000001866747970686576630000", "x", Lane.Photo, "image/heic")] // "hevc"
    [InlineData("0000001866747970717420200000", "x", Lane.Video, "video/quicktime")]
    [InlineData("0000001866747970", "x", Lane.Video, "application/octet-stream")]
    [InlineData("", ".JPG", Lane.Photo, "application/octet-stream")]
    [InlineData("ffd8", ".mp4", Lane.Photo, "image/jpeg")]
    public void First_bytes_come_before_the_name(string start, string extension, Lane lane, string mediaType)
    {
        var path = Path.Combine(Path.GetTempPath(), $"stories-{Guid.NewGuid():N}{extension}");
        File.WriteAllBytes(path, Convert.FromHexString(start));
        try
        {
            var file = MediaFile.Of(path);
            Assert.Equal((lane, mediaType, start.Length / 2), (file.Lane, file.MediaType, file.Length));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData(99)]
    [InlineData(101)]
    public async Task A_file_that_changes_while_it_is_read_is_not_posted(int announced)
    {
        await using var counted = new CountedStream(new MemoryStream(new byte[100]), announced, _ => { });
        await Assert.ThrowsAsync<IOException>(() => counted.CopyToAsync(Stream.Null, Cancel));
    }
}
