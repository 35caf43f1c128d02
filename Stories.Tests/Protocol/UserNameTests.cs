using Stories.Protocol;

namespace Stories.Tests.Protocol;

public sealed class UserNameTests
{
    [Theory]
    [InlineData("chat/alice")]
    [InlineData("photos-dev/b.o_b~1")]
    [InlineData("c/a@example.com:1=")]
    [InlineData("0/0")]
    public void A_user_of_an_app_is_read_and_written_the_same(string text)
    {
        Assert.True(UserName.TryParse(text, out var name));
        Assert.Equal(text, name.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("alice")]
    [InlineData("/alice")]
    [InlineData("chat/")]
    [InlineData("chat/ali/ce")]
    [InlineData("Chat/alice")]
    [InlineData("chat app/alice")]
    [InlineData("chat/al ice")]
    [InlineData("chat/alice\n")]
    [InlineData("chat/al\"ice")]
    [InlineData("chat/al\\ice")]
    [InlineData("chat/al+ice")]
    [InlineData("chat/alïce")]
    [InlineData("chät/alice")]
    public void What_could_be_read_in_two_ways_or_changes_in_a_path_is_no_user(string? text) => Assert.False(UserName.TryParse(text, out _));

    [Fact]
    public void Names_have_an_end()
    {
        Assert.True(UserName.TryParse($"{new string('a', 40)}/{new string('u', 128)}", out _));
        Assert.False(UserName.TryParse($"{new string('a', 41)}/u", out _));
        Assert.False(UserName.TryParse($"a/{new string('u', 129)}", out _));
    }
}
