namespace Stories.Tests.Fixtures;

/// <summary>The real time, moved by hand: tests never wait for a day to pass.</summary>
public sealed class TestClock : TimeProvider
{
    private long offset;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref offset));

    public void Advance(TimeSpan by) => Interlocked.Add(ref offset, by.Ticks);

    public void MoveTo(DateTimeOffset time) => Interlocked.Exchange(ref offset, (time - System.GetUtcNow()).Ticks);
}
