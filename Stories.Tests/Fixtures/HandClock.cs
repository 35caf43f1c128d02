namespace Stories.Tests.Fixtures;

/// <summary>Time that stands still until a test moves it, timers included: what would take minutes takes none, and nothing comes too early.</summary>
internal sealed class HandClock : TimeProvider
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(1);

    private readonly Lock gate = new();
    private readonly List<HandTimer> timers = [];
    private DateTimeOffset now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate) return now;
    }

    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new HandTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Whatever is due until then is called, each at its time.</summary>
    public void Advance(TimeSpan by)
    {
        var until = GetUtcNow() + by;
        while (true)
        {
            HandTimer? next;
            lock (gate)
            {
                next = timers.Where(t => t.Due <= until).MinBy(t => t.Due);
                now = next?.Due ?? until;
                if (next is not null) next.Due = null;
            }
            if (next is null) return;
            next.Call();
        }
    }

    /// <summary>Lets one pause after the other pass until it is done. What has longer than a pause stands still meanwhile, however long this machine takes.</summary>
    public async Task PassAsync(Task task)
    {
        while (!task.IsCompleted)
        {
            if (NextPause() is { } pause) Advance(pause);
            else await Task.WhenAny(task, Task.Delay(Glance, System, TestContext.Current.CancellationToken));
        }
    }

    private TimeSpan? NextPause()
    {
        lock (gate) return timers.Select(t => t.Due - now).Where(left => left <= LongestPause).Min();
    }

    private sealed class HandTimer(HandClock clock, Action call) : ITimer
    {
        public DateTimeOffset? Due { get; set; }

        public void Call() => call();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (period != Timeout.InfiniteTimeSpan) throw new NotSupportedException("Nobody has needed a timer that repeats.");
            lock (clock.gate)
            {
                Due = dueTime == Timeout.InfiniteTimeSpan ? null : clock.now + dueTime;
                if (!clock.timers.Contains(this)) clock.timers.Add(this);
            }
            return true;
        }

        public void Dispose()
        {
            lock (clock.gate) clock.timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
