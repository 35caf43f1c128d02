using Stories.Client.Cli;

namespace Stories.Tests.Client;

public sealed class DurationsTests
{
    [Theory]
    [InlineData("90s", 90)]
    [InlineData("10m", 600)]
    [InlineData("24h", 86_400)]
    [InlineData("2d", 172_800)]
    [InlineData("0s", 0)]
    public void A_duration_is_read_as_people_write_it(string text, int seconds)
    {
        Assert.True(Durations.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromSeconds(seconds), duration);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("h")]
    [InlineData("24")]
    [InlineData("-1h")]
    [InlineData("+1h")]
    [InlineData("1.5h")]
    [InlineData(" 1h")]
    [InlineData("1 h")]
    [InlineData("1w")]
    [InlineData("1H")]
    [InlineData("99999999999999h")]
    public void Anything_else_is_refused(string? text) => Assert.False(Durations.TryParse(text, out _));

    [Theory]
    [InlineData(-5, "0 s")]
    [InlineData(59, "59 s")]
    [InlineData(61, "1 min")]
    [InlineData(3_599, "59 min")]
    [InlineData(86_399, "23 h")]
    public void What_is_left_is_told_in_one_unit(int seconds, string text) => Assert.Equal(text, Durations.Write(TimeSpan.FromSeconds(seconds)));
}
