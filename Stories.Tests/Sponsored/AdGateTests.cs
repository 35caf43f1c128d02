using Stories.Protocol.Sponsored;
using static Stories.Tests.Sponsored.AdStage;
using Tier = Stories.Tests.Fixtures.Tier;

namespace Stories.Tests.Sponsored;

/// <summary>When something sponsored may stand between two people.</summary>
public sealed class AdGateTests
{
    private static readonly AdPolicy Policy = new();
    private static readonly AdBoundary Between = new(InsideOnePerson: false, UnseenPeopleAhead: 1);

    /// <summary>Ten people and forty statuses in ten minutes, and nothing sponsored yet.</summary>
    private static readonly AdSession Open = new((Noon - TimeSpan.FromMinutes(10)).ToUnixTimeMilliseconds(), People: 10, PeopleSinceAd: 10, Statuses: 40);

    [Fact]
    public void It_is_open_when_nothing_speaks_against_it() => Assert.Equal(GateReason.Open, Decide());

    [Fact]
    public void Never_inside_one_person_s_set_among_replies_last_beside_something_sensitive_or_for_a_new_account()
    {
        Assert.Equal(GateReason.InsideOnePerson, Decide(boundary: Between with { InsideOnePerson = true }));
        Assert.Equal(GateReason.InReplies, Decide(boundary: Between with { InReplies = true }));
        Assert.Equal(GateReason.LastInTray, Decide(boundary: Between with { UnseenPeopleAhead = 0 }));
        Assert.Equal(GateReason.Sensitive, Decide(boundary: Between with { IsSensitive = true }));
        Assert.Equal(GateReason.NewAccount, Decide(boundary: Between with { IsNewAccount = true }));
    }

    [Fact]
    public void Never_first_and_never_two_in_a_row_even_if_a_policy_allowed_it()
    {
        var loose = new AdPolicy(FirstPeople: 0, FirstSeconds: 0, PeopleBetween: 0, SecondsBetween: 0, MaxPerMille: 1000);
        Assert.Equal(GateReason.TooFewPeople, Decide(loose, Open with { People = 0, PeopleSinceAd = 0 }));
        Assert.Equal(GateReason.TooFewPeople, Decide(loose, Open with { Ads = 1, PeopleSinceAd = 0 }));
        Assert.Equal(GateReason.Open, Decide(loose, Open with { Ads = 1, PeopleSinceAd = 1 }));
        Assert.NotNull(loose.FindFault());
    }

    [Theory]
    [InlineData(2, 20, GateReason.FirstPeople)]
    [InlineData(3, 19.999, GateReason.FirstSeconds)]
    [InlineData(3, 20, GateReason.Open)]
    public void The_first_comes_after_three_people_and_twenty_seconds(int people, double seconds, GateReason expected) =>
        Assert.Equal(expected, Decide(session: Open with { Begin = (Noon - TimeSpan.FromSeconds(seconds)).ToUnixTimeMilliseconds(), People = people, PeopleSinceAd = people }));

    [Theory]
    [InlineData(3, 45, 0, 1, GateReason.PeopleBetween)]
    [InlineData(4, 44.999, 0, 1, GateReason.SecondsBetween)]
    [InlineData(4, 45, 0, 1, GateReason.Open)]
    [InlineData(4, 45, 1, 1, GateReason.Open)]
    [InlineData(7, 90, 2, 1, GateReason.PeopleBetween)]
    [InlineData(8, 89.999, 2, 1, GateReason.SecondsBetween)]
    [InlineData(8, 90, 2, 1, GateReason.Open)]
    // More skips do not double it again.
    [InlineData(8, 90, 5, 1, GateReason.Open)]
    [InlineData(7, 90, 0, 2, GateReason.PeopleBetween)]
    [InlineData(8, 90, 0, 2, GateReason.Open)]
    [InlineData(15, 180, 2, 2, GateReason.PeopleBetween)]
    [InlineData(16, 179.999, 2, 2, GateReason.SecondsBetween)]
    [InlineData(16, 180, 2, 2, GateReason.Open)]
    public void Four_people_and_45_seconds_lie_between_two_and_twice_that_after_two_quick_skips_or_see_less(int people, double seconds, int skips, int thinning, GateReason expected) =>
        Assert.Equal(expected, Decide(
            session: Open with { PeopleSinceAd = people, Ads = 1, QuickSkips = skips, Statuses = 400 }, log: LogOf(Noon, TimeSpan.FromSeconds(seconds)) with { Thinning = thinning }));

    [Fact]
    public void Quick_skips_change_nothing_when_the_policy_says_never() =>
        Assert.Equal(GateReason.Open, Decide(Policy with { SkipsBeforeDoubling = 0 }, Open with { PeopleSinceAd = 4, Ads = 1, QuickSkips = 9 }, LogOf(Noon, TimeSpan.FromSeconds(45))));

    [Fact]
    public void Only_a_skip_within_the_first_second_is_quick()
    {
        Assert.Equal(1, Open.EndAd(DwellBucket.UnderOneSecond, skipped: true).QuickSkips);
        Assert.Equal(0, Open.EndAd(DwellBucket.UnderOneSecond, skipped: false).QuickSkips);
        Assert.Equal(0, Open.EndAd(DwellBucket.OneToTwo, skipped: true).QuickSkips);
    }

    [Theory]
    [InlineData(3, 100, GateReason.PeopleBetween)]
    [InlineData(4, 44, GateReason.SecondsBetween)]
    [InlineData(4, 45, GateReason.Open)]
    [InlineData(3, 1799, GateReason.PeopleBetween)]
    [InlineData(3, 1800, GateReason.Open)]
    public void A_session_begun_within_half_an_hour_keeps_the_distance_of_the_one_before(int people, int seconds, GateReason expected) =>
        Assert.Equal(expected, Decide(session: Open with { People = people, PeopleSinceAd = people }, log: LogOf(Noon, TimeSpan.FromSeconds(seconds))));

    [Theory]
    [InlineData(3, 1, 2, GateReason.Open)]
    [InlineData(3, 1, 3, GateReason.PerSession)]
    // Half of three is two.
    [InlineData(3, 2, 1, GateReason.Open)]
    [InlineData(3, 2, 2, GateReason.PerSession)]
    [InlineData(1, 16, 0, GateReason.Open)]
    [InlineData(0, 1, 0, GateReason.PerSession)]
    public void So_many_in_a_session(int most, int thinning, int ads, GateReason expected) => Assert.Equal(expected, Decide(
        Policy with { PerSession = most }, Open with { Ads = ads, PeopleSinceAd = 1000, People = 1000, Statuses = 4000 }, (ads == 0 ? AdLog.Empty : LogOf(Noon, TimeSpan.FromHours(1))) with { Thinning = thinning }));

    [Fact]
    public void So_many_in_any_24_hours()
    {
        var policy = Policy with { PerDay = 2 };
        var day = TimeSpan.FromDays(1);
        var millisecond = TimeSpan.FromMilliseconds(1);
        Assert.Equal(GateReason.PerDay, Decide(policy, log: LogOf(Noon, day - millisecond, TimeSpan.FromHours(2))));
        Assert.Equal(GateReason.Open, Decide(policy, log: LogOf(Noon, day, TimeSpan.FromHours(2))));
        Assert.Equal(GateReason.PerDay, Decide(policy, log: LogOf(Noon, TimeSpan.FromHours(2)) with { Thinning = 2 }));
    }

    [Theory]
    [InlineData(150, 1, 0, 6, GateReason.Open)]
    [InlineData(150, 1, 0, 5, GateReason.Share)]
    [InlineData(150, 1, 1, 12, GateReason.Open)]
    [InlineData(150, 1, 1, 11, GateReason.Share)]
    [InlineData(150, 2, 0, 13, GateReason.Open)]
    [InlineData(150, 2, 0, 12, GateReason.Share)]
    [InlineData(0, 1, 0, 1_000_000, GateReason.Share)]
    public void So_many_of_all_statuses_of_the_session(int perMille, int thinning, int ads, int statuses, GateReason expected) => Assert.Equal(expected, Decide(
        Policy with { MaxPerMille = perMille }, Open with { Ads = ads, Statuses = statuses, PeopleSinceAd = 100 }, (ads == 0 ? AdLog.Empty : LogOf(Noon, TimeSpan.FromHours(1))) with { Thinning = thinning }));

    [Fact]
    public void A_damaged_log_keeps_it_shut_for_30_days()
    {
        var log = AdLog.Read("?"u8, Noon);
        Assert.Equal(GateReason.LogDamaged, Decide(log: log));
        var later = Noon + TimeSpan.FromDays(30);
        Assert.Equal(GateReason.LogDamaged, AdGate.Decide(Policy, Open, log, Between, later - TimeSpan.FromMilliseconds(1)));
        Assert.Equal(GateReason.Open, AdGate.Decide(Policy, Open, log, Between, later));
    }

    [Fact]
    public void A_clock_set_back_never_opens_it()
    {
        var random = new Random(1);
        var opened = 0;
        for (var round = 0; round < Tier.Rounds(20_000, 500_000); round++)
        {
            var session = Open with { PeopleSinceAd = random.Next(12), Ads = random.Next(2), Begin = (Noon - TimeSpan.FromSeconds(random.Next(60))).ToUnixTimeMilliseconds() };
            var log = LogOf(Noon, [.. Enumerable.Range(0, random.Next(4)).Select(_ => TimeSpan.FromSeconds(random.Next(4000)))]);
            var policy = Policy with { PerDay = random.Next(1, 4) };
            var now = AdGate.Decide(policy, session, log, Between, Noon);
            var before = AdGate.Decide(policy, session, log, Between, Noon - TimeSpan.FromSeconds(random.Next(1, 10_000)));
            if (now == GateReason.Open) opened++;
            Assert.False(now != GateReason.Open && before == GateReason.Open, $"{now} in round {round}, and open with the clock set back");
        }
        Assert.NotEqual(0, opened);
    }

    [Fact]
    public void It_agrees_with_an_oracle_that_counts_a_list_of_all_that_ever_happened()
    {
        var seen = new Dictionary<GateReason, int>();
        var steps = Tier.Rounds(100_000, 1_000_000);
        for (var step = 0; step < steps;)
        {
            var life = new Life(step);
            for (var i = 0; i < 400; i++, step++)
            {
                var (said, expected) = life.Step();
                Assert.True(said == expected, $"step {step}: {said}, and the oracle says {expected}");
                seen[said] = seen.GetValueOrDefault(said) + 1;
            }
        }
        // A run that never comes to a rule says nothing about it.
        Assert.Empty(Enum.GetValues<GateReason>().Except(seen.Keys).Except([GateReason.LogDamaged]));
    }

    [Fact]
    public void Over_many_sessions_none_is_first_last_beside_another_or_inside_one_person_s_set()
    {
        var random = new Random(7);
        var shown = 0;
        for (var round = 0; round < Tier.Rounds(20_000, 1_000_000); round++)
        {
            var policy = new AdPolicy(FirstPeople: 1, FirstSeconds: 0, PeopleBetween: random.Next(1, 3), SecondsBetween: random.Next(3), PerSession: 100, PerDay: 1000, MaxPerMille: 1000);
            var tray = Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(1, 4)).ToArray();
            var now = Noon;
            var log = AdLog.Empty;
            var session = AdSession.BeginAt(now);
            var screen = new List<int>();
            for (var person = 0; person < tray.Length; person++)
            {
                for (var status = 0; status < tray[person]; status++)
                {
                    TryShow(new AdBoundary(InsideOnePerson: status > 0, tray.Length - person));
                    screen.Add(person);
                    session = session.SeeStatus();
                    now += TimeSpan.FromSeconds(random.Next(4));
                }
                session = session.LeavePerson();
            }
            TryShow(new AdBoundary(InsideOnePerson: false, 0));

            for (var i = 0; i < screen.Count; i++)
            {
                if (screen[i] >= 0) continue;
                shown++;
                Assert.True(i > 0 && i < screen.Count - 1 && screen[i - 1] >= 0 && screen[i + 1] >= 0 && screen[i - 1] != screen[i + 1], $"round {round}: {string.Join(' ', screen)}");
            }

            void TryShow(AdBoundary boundary)
            {
                if (AdGate.Decide(policy, session, log, boundary, now) != GateReason.Open) return;
                screen.Add(-1);
                session = session.ShowAd();
                log = log with { Shown = [.. log.Shown, new AdShowing(Id(1), Id(2), Id(3), "c", null, now.ToUnixTimeMilliseconds())] };
            }
        }
        Assert.True(shown > 10_000, $"only {shown} shown");
    }

    private static GateReason Decide(AdPolicy? policy = null, AdSession? session = null, AdLog? log = null, AdBoundary? boundary = null) =>
        AdGate.Decide(policy ?? Policy, session ?? Open, log ?? AdLog.Empty, boundary ?? Between, Noon);

    /// <summary>One device under one policy, told twice: to the code, and as a plain list of events that the oracle reads from the beginning each time.</summary>
    private sealed class Life(int seed)
    {
        private readonly Random random = new(seed);
        private readonly List<(char What, long At)> events = [];
        private AdPolicy policy = new();
        private AdSession session = AdSession.BeginAt(Noon);
        private AdLog log = AdLog.Empty;
        private long now = Noon.ToUnixTimeMilliseconds();
        private int thinning = 1;
        private bool isBegun;

        public (GateReason Said, GateReason Expected) Step()
        {
            if (!isBegun) Begin();
            now += random.Next(8) switch { 0 => random.Next(3_600_000), 1 => random.Next(60_000), 2 => -random.Next(20_000), _ => random.Next(5_000) };
            Happen(random.Next(100));
            log = log.Prune(Time);
            var boundary = random.Next(40) switch
            {
                0 => new AdBoundary(true, 1),
                1 => new AdBoundary(false, 0),
                2 => new AdBoundary(false, 1, IsSensitive: true),
                3 => new AdBoundary(false, 1, InReplies: true),
                4 => new AdBoundary(false, 1, IsNewAccount: true),
                _ => new AdBoundary(false, random.Next(1, 9)),
            };
            var said = AdGate.Decide(policy, session, log, boundary, Time);
            var expected = Judge(boundary);
            if (said == GateReason.Open)
            {
                events.Add(('a', now));
                session = session.ShowAd();
                log = log with { Shown = [.. log.Shown, new AdShowing(Id(1), Id(2), Id(3), "c", null, now)] };
                if (random.Next(3) == 0)
                {
                    events.Add(('q', now));
                    session = session.EndAd(DwellBucket.UnderOneSecond, skipped: true);
                }
            }
            return (said, expected);
        }

        private DateTimeOffset Time => DateTimeOffset.FromUnixTimeMilliseconds(now);

        private void Begin()
        {
            isBegun = true;
            policy = new AdPolicy(
                random.Next(1, 5), random.Next(40), random.Next(1, 6), random.Next(90), random.Next(6), random.Next(1, 25), random.Next(50, 600), 1, random.Next(4));
            events.Add(('b', now));
        }

        private void Happen(int what)
        {
            switch (what)
            {
                case < 4:
                    events.Add(('b', now));
                    session = AdSession.BeginAt(Time);
                    break;
                case < 45:
                    events.Add(('s', now));
                    session = session.SeeStatus();
                    break;
                case < 97:
                    events.Add(('s', now));
                    events.Add(('p', now));
                    session = session.SeeStatus().LeavePerson();
                    break;
                case 97:
                    thinning = Math.Min(16, thinning + thinning);
                    log = log.SeeLess();
                    break;
                default:
                    thinning = 1;
                    log = log.SeeUsual();
                    break;
            }
        }

        private GateReason Judge(AdBoundary boundary)
        {
            if (boundary.InsideOnePerson) return GateReason.InsideOnePerson;
            if (boundary.InReplies) return GateReason.InReplies;
            if (boundary.UnseenPeopleAhead == 0) return GateReason.LastInTray;
            if (boundary.IsSensitive) return GateReason.Sensitive;
            if (boundary.IsNewAccount) return GateReason.NewAccount;
            int people = 0, sinceAd = 0, statuses = 0, ads = 0, quick = 0, inDay = 0;
            long begin = 0;
            double last = double.PositiveInfinity;
            foreach (var (what, at) in events)
            {
                // As if it were of now when it lies in the future.
                var seconds = at > now ? 0 : (now - at) / 1000d;
                if (what == 'b') (people, sinceAd, statuses, ads, quick, begin) = (0, 0, 0, 0, 0, at);
                if (what == 's') statuses++;
                if (what == 'p') (people, sinceAd) = (people + 1, sinceAd + 1);
                if (what == 'q') quick++;
                if (what != 'a') continue;
                (ads, sinceAd) = (ads + 1, 0);
                if (seconds < 86_400) inDay++;
                last = Math.Min(last, seconds);
            }
            if (people == 0 || sinceAd == 0) return GateReason.TooFewPeople;
            if (people < policy.FirstPeople) return GateReason.FirstPeople;
            if ((begin > now ? 0 : now - begin) / 1000d < policy.FirstSeconds) return GateReason.FirstSeconds;
            var isDoubled = policy.SkipsBeforeDoubling != 0 && quick >= policy.SkipsBeforeDoubling;
            double factor = isDoubled ? thinning * 2 : thinning;
            if (ads != 0 || last < 1800)
            {
                if (sinceAd < factor * policy.PeopleBetween) return GateReason.PeopleBetween;
                if (last < factor * policy.SecondsBetween) return GateReason.SecondsBetween;
            }
            if (ads >= (policy.PerSession + thinning - 1) / thinning) return GateReason.PerSession;
            if (inDay >= (policy.PerDay + thinning - 1) / thinning) return GateReason.PerDay;
            return (ads + 1m) / (statuses + ads + 1m) > policy.MaxPerMille / 1000m / thinning ? GateReason.Share : GateReason.Open;
        }
    }
}
