namespace Stories.Tests.Fixtures;

/// <summary>The real time, moved by hand: tests never wait for a day to pass.</summary>
public sealed class TestClock : TimeProvider
{
    private readonly AsyncLocal<Action<DateTimeOffset>?> listener = new();
    private long offset;
    private long frozen;

    public override DateTimeOffset GetUtcNow()
    {
        var stands = Interlocked.Read(ref frozen);
        var now = stands == 0 ? ToMicroseconds(System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref offset))) : new DateTimeOffset(stands, TimeSpan.Zero);
        listener.Value?.Invoke(now);
        return now;
    }

    /// <summary>As the real one does.</summary>
    private static DateTimeOffset ToMicroseconds(DateTimeOffset time) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMicrosecond));

    /// <summary>Hands that are moved move the counter too.</summary>
    public override long GetTimestamp() => System.GetTimestamp() + Interlocked.Read(ref offset) * (TimestampFrequency / TimeSpan.TicksPerSecond);

    public void Advance(TimeSpan by) => Interlocked.Add(ref offset, by.Ticks);

    public void MoveTo(DateTimeOffset time)
    {
        Interlocked.Exchange(ref offset, (time - System.GetUtcNow()).Ticks);
        Interlocked.Exchange(ref frozen, 0);
    }

    /// <summary>Every look at the clock sees this instant, until it is moved.</summary>
    public void Freeze(DateTimeOffset at) => Interlocked.Exchange(ref frozen, at.UtcTicks);

    /// <summary>Whatever follows from here on, in this flow of calls, is told to the listener: each instant by which something was judged.</summary>
    public void Listen(Action<DateTimeOffset> told) => listener.Value = told;
}
