using System.Text.Json;
using CsCheck;
using Stories.Core.Media;
using Stories.Worker.Media;

namespace Stories.Tests.Media;

/// <summary>ffprobe's answer is the file's text.</summary>
public sealed class VideoProbeTests
{
    private const string Video = """{"codec_type":"video","codec_name":"h264","width":640,"height":480,"avg_frame_rate":"30/1","duration":"5.0"}""";

    [Theory]
    [InlineData("""{}""", MediaCodes.NoPicture)]
    [InlineData("""{"streams":{}}""", MediaCodes.NoPicture)]
    [InlineData("""{"streams":[1,null,"x"]}""", MediaCodes.NoPicture)]
    [InlineData("""{"streams":[{"codec_type":"video","disposition":{"attached_pic":1}}]}""", MediaCodes.NoPicture)]
    [InlineData("""{"streams":[{"codec_type":"video","codec_name":"h264","width":640,"height":480}]}""", MediaCodes.Damaged)]
    [InlineData("""{"format":{"duration":"NaN"},"streams":[{"codec_type":"video","codec_name":"h264","width":640,"height":480}]}""", MediaCodes.Damaged)]
    [InlineData("""{"format":{"duration":"-5"},"streams":[{"codec_type":"video","codec_name":"h264","width":640,"height":480}]}""", MediaCodes.Damaged)]
    [InlineData("""{"format":{"duration":"1e300"},"streams":[{"codec_type":"video","codec_name":"h264","width":640,"height":480}]}""", MediaCodes.Damaged)]
    [InlineData("""{"format":{"duration":"5"},"streams":[{"codec_type":"video","codec_name":"h264","width":-1,"height":480}]}""", MediaCodes.Damaged)]
    [InlineData("""{"format":{"duration":"5"},"streams":[{"codec_type":"video","codec_name":"h264","width":99999999999,"height":480}]}""", MediaCodes.Damaged)]
    public void An_answer_that_cannot_be_is_refused(string answer, string code)
    {
        using var json = JsonDocument.Parse(answer);
        Assert.Equal(code, Assert.Throws<MediaRefusedException>(() => VideoProbe.Facts(json.RootElement, 1)).Code);
    }

    [Fact]
    public void The_longest_track_counts_whatever_the_file_says()
    {
        using var json = JsonDocument.Parse($$"""{"format":{"duration":"1"},"streams":[{{Video}},{"codec_type":"audio","duration":"86400"}]}""");
        var facts = VideoProbe.Facts(json.RootElement, 1);
        Assert.Equal(TimeSpan.FromDays(1), facts.Duration);
        Assert.Equal(MediaCodes.TooLong, (facts with { Audio = null }).Refusal(new MediaOptions()));
    }

    [Theory]
    [InlineData("1000000/1")]
    [InlineData("0/0")]
    [InlineData("1/0")]
    [InlineData("-30/1")]
    [InlineData("x")]
    public void A_frame_rate_that_cannot_be_is_refused(string rate)
    {
        using var json = JsonDocument.Parse($$"""{"streams":[{{Video.Replace("30/1", rate, StringComparison.Ordinal)}}]}""");
        Assert.Equal(MediaCodes.FrameRateRefused, VideoProbe.Facts(json.RootElement, 1).Refusal(new MediaOptions()));
    }

    /// <summary>A clock so fine is what a picture that goes on being shown would be repeated by.</summary>
    [Theory]
    [InlineData("1000000000/1", MediaCodes.FrameRateRefused)]
    [InlineData("1000/1", null)]
    public void A_clock_too_fine_to_go_by_is_refused(string ticks, string? code)
    {
        using var json = JsonDocument.Parse($$"""{"streams":[{{Video.Replace("30/1", "0/0", StringComparison.Ordinal)[..^1]}},"r_frame_rate":"{{ticks}}"}]}""");
        Assert.Equal(code, VideoProbe.Facts(json.RootElement, 1, new VideoProbe.Counted(2, new() { [0] = 10 })).Refusal(new MediaOptions()));
    }

    [Theory]
    [InlineData(-90, 90)]
    [InlineData(90, 270)]
    [InlineData(180, 180)]
    [InlineData(-180, 180)]
    [InlineData(0, 0)]
    [InlineData(int.MinValue, 270)]
    public void Rotation_is_clockwise_and_a_multiple_of_ninety(int said, int rotation)
    {
        using var json = JsonDocument.Parse($$"""{"streams":[{{Video[..^1]}},"side_data_list":[{"rotation":{{said}}}]}]}""");
        Assert.Equal(rotation, VideoProbe.Facts(json.RootElement, 1).Rotation);
    }

    [Fact]
    public void A_matrix_that_does_not_turn_and_is_there_does_something_else()
    {
        using var json = JsonDocument.Parse($$"""{"streams":[{{Video[..^1]}},"side_data_list":[{"rotation":0}]}]}""");
        Assert.True(VideoProbe.Facts(json.RootElement, 1).IsDistorted);
        using var none = JsonDocument.Parse($$"""{"streams":[{{Video}}]}""");
        Assert.False(VideoProbe.Facts(none.RootElement, 1).IsDistorted);
    }

    [Theory]
    [InlineData("bt709", "bt709", "bt709", ColorTags.All)]
    [InlineData("bt709", "unknown", "bt709", ColorTags.Matrix)]
    [InlineData("bt709", "bt709", "", ColorTags.Matrix)]
    [InlineData("unknown", "bt709", "bt709", ColorTags.None)]
    [InlineData("gbr", "bt709", "bt709", ColorTags.None)]
    public void Colours_are_tagged_by_three(string matrix, string primaries, string transfer, ColorTags tags)
    {
        using var json = JsonDocument.Parse($$"""{"streams":[{{Video[..^1]}},"color_space":"{{matrix}}","color_primaries":"{{primaries}}","color_transfer":"{{transfer}}"}]}""");
        Assert.Equal(tags, VideoProbe.Facts(json.RootElement, 1).Colors);
    }

    [Fact]
    public void The_default_track_of_those_that_we_take_is_heard()
    {
        const string tracks = """
            {"index":1,"codec_type":"audio","codec_name":"aac"},{"index":2,"codec_type":"audio","codec_name":"opus","disposition":{"default":1}},
            {"index":3,"codec_type":"audio","codec_name":"truehd","disposition":{"default":1}}
            """;
        using var json = JsonDocument.Parse($$"""{"streams":[{{Video}},{{tracks}}]}""");
        Assert.Equal((2, "opus"), (VideoProbe.Facts(json.RootElement, 1).Audio!.Track, VideoProbe.Facts(json.RootElement, 1).Audio!.Codec));
        using var none = JsonDocument.Parse($$"""{"streams":[{{Video}},{"index":3,"codec_type":"audio","codec_name":"truehd"}]}""");
        Assert.Equal(MediaCodes.SoundCodecRefused, VideoProbe.Facts(none.RootElement, 1).Refusal(new MediaOptions()));
    }

    [Fact]
    public void A_picture_that_only_Dolby_Vision_shows_is_refused()
    {
        using var json = JsonDocument.Parse($$"""{"streams":[{{Video[..^1]}},"side_data_list":[{"dv_profile":5}]}]}""");
        Assert.Equal(MediaCodes.PictureCodecRefused, VideoProbe.Facts(json.RootElement, 1).Refusal(new MediaOptions()));
    }

    [Fact]
    public void Whatever_JSON_a_file_makes_of_it_the_outcome_is_facts_or_a_code()
    {
        var value = Gen.OneOf(Gen.Const("null"), Gen.Const("[]"), Gen.Const("{}"), Gen.Const("true"), Gen.Double.Select(d => JsonSerializer.Serialize(double.IsFinite(d) ? d : 0)),
            Gen.String.Select(s => JsonSerializer.Serialize(s)), Gen.Const("\"video\""), Gen.Const("\"h264\""), Gen.Const("\"5.0\""), Gen.Const("\"30/1\""), Gen.Const("640"));
        string[] names = ["codec_type", "codec_name", "profile", "level", "pix_fmt", "width", "height", "avg_frame_rate", "duration", "sample_rate", "channels", "side_data_list", "disposition", "sample_aspect_ratio",
            "index", "r_frame_rate", "start_time", "color_space", "color_transfer", "color_primaries"];
        var stream = value.Array[names.Length].Select(values => $"{{{string.Join(',', names.Zip(values, (n, v) => $"\"{n}\":{v}"))}}}");
        var answer = Gen.Select(stream.Array[0, 4], value).Select((streams, format) => $"{{\"streams\":[{string.Join(',', streams)}],\"format\":{format}}}");
        answer.Sample(text =>
        {
            using var json = JsonDocument.Parse(text);
            try
            {
                Assert.InRange(VideoProbe.Facts(json.RootElement, 1).Duration.TotalSeconds, 0, 1e6);
            }
            catch (MediaRefusedException)
            {
                // As it should be.
            }
        }, iter: 2000, seed: "0000000000000");
    }
}
