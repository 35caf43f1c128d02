using Stories.Api.Uploads;

namespace Stories.Tests.Uploads;

public sealed class UploadHoldsTests
{
    private readonly UploadHolds holds = new();
    private readonly Guid upload = Guid.NewGuid();

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    public void The_newest_request_goes_on_and_the_older_one_ends_in_whichever_order_they_come(int first, int second)
    {
        using UploadHolds.Turn one = Enter(first), two = Enter(second);
        Assert.Equal((first < second, second < first), (one.Superseded.IsCancellationRequested, two.Superseded.IsCancellationRequested));
    }

    [Fact]
    public void Who_has_ended_is_in_nobodys_way_and_takes_nobody_along()
    {
        var ended = Enter(1);
        using var going = Enter(2);
        ended.Dispose();
        using var next = Enter(3);
        Assert.True(going.Superseded.IsCancellationRequested);
        next.Dispose();
        using var again = Enter(1);
        Assert.False(again.Superseded.IsCancellationRequested);
    }

    private UploadHolds.Turn Enter(int epoch) => holds.Enter(new UploadHold(upload, "blob", 0, 10, epoch, 0));
}
