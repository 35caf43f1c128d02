using Stories.Core.Sponsored;
using Stories.Protocol.Sponsored;

namespace Stories.Tests.Sponsored;

public sealed class LineRulesTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 2, 0, 0, 0, TimeSpan.Zero);

    private static readonly LineTerms Right = new(
        Tier.Standard, 100, 5_000_000, BudgetKind.Daily, 20_000_000, Start, Start.AddDays(7), "Europe/Berlin", Pacing.Even,
        new Targets(["chat"], ["DE", "AT"], ["de"]), [new Daypart([DayOfWeek.Monday, DayOfWeek.Friday], 8, 20)], [new Cap(CapLevel.Line, 3, 86_400), new Cap(CapLevel.Line, 1, 3_600)], "baked-goods");

    public static TheoryData<string, FieldFaultCode, LineTerms> Wrong => new()
    {
        { "terms.weight", FieldFaultCode.OutOfRange, Right with { Weight = 0 } },
        { "terms.weight", FieldFaultCode.OutOfRange, Right with { Weight = 1_001 } },
        { "terms.priceMicros", FieldFaultCode.OutOfRange, Right with { PriceMicros = -1 } },
        { "terms.priceMicros", FieldFaultCode.OutOfRange, Right with { PriceMicros = 1_000_000_000_001 } },
        { "terms.priceMicros", FieldFaultCode.NotFree, Right with { Tier = Tier.House } },
        { "terms.budgetMicros", FieldFaultCode.OutOfRange, Right with { BudgetMicros = 0 } },
        { "terms.budgetMicros", FieldFaultCode.OutOfRange, Right with { BudgetMicros = long.MaxValue } },
        { "terms.tier", FieldFaultCode.Unknown, Right with { Tier = (Tier)9 } },
        { "terms.pacing", FieldFaultCode.Unknown, Right with { Pacing = (Pacing)9 } },
        { "terms.budgetKind", FieldFaultCode.Unknown, Right with { BudgetKind = (BudgetKind)9 } },
        { "terms.endsAt", FieldFaultCode.OutOfOrder, Right with { EndsAt = Start } },
        { "terms.endsAt", FieldFaultCode.OutOfRange, Right with { EndsAt = Start.AddDays(366).AddSeconds(1) } },
        { "terms.endsAt", FieldFaultCode.OutOfRange, Right with { StartsAt = DateTimeOffset.MaxValue.AddDays(-7), EndsAt = DateTimeOffset.MaxValue } },
        { "terms.startsAt", FieldFaultCode.OutOfRange, Right with { StartsAt = DateTimeOffset.MinValue, EndsAt = DateTimeOffset.MinValue.AddDays(1) } },
        { "terms.timeZone", FieldFaultCode.Unknown, Right with { TimeZone = "Europe/Atlantis" } },
        { "terms.timeZone", FieldFaultCode.Unknown, Right with { TimeZone = null! } },
        { "terms.dayparts", FieldFaultCode.Missing, Right with { Dayparts = null! } },
        { "terms.dayparts", FieldFaultCode.TooMany, Right with { Dayparts = [.. Enumerable.Repeat(Right.Dayparts[0], 51)] } },
        { "terms.dayparts[0].days", FieldFaultCode.Malformed, Right with { Dayparts = [new Daypart([], 8, 20)] } },
        { "terms.dayparts[0].days", FieldFaultCode.Malformed, Right with { Dayparts = [new Daypart([DayOfWeek.Monday, DayOfWeek.Monday], 8, 20)] } },
        { "terms.dayparts[0].fromHour", FieldFaultCode.OutOfRange, Right with { Dayparts = [new Daypart([DayOfWeek.Monday], -1, 20)] } },
        { "terms.dayparts[0].toHour", FieldFaultCode.OutOfRange, Right with { Dayparts = [new Daypart([DayOfWeek.Monday], 20, 20)] } },
        { "terms.dayparts[0].toHour", FieldFaultCode.OutOfRange, Right with { Dayparts = [new Daypart([DayOfWeek.Monday], 20, 25)] } },
        { "terms.dayparts", FieldFaultCode.NeverOn, Right with { EndsAt = Start.AddDays(1), Dayparts = [new Daypart([DayOfWeek.Wednesday], 0, 24)] } },
        { "terms.caps", FieldFaultCode.Missing, Right with { Caps = null! } },
        { "terms.caps", FieldFaultCode.TooMany, Right with { Caps = [.. Enumerable.Range(1, 11).Select(i => new Cap(CapLevel.Line, i, i))] } },
        { "terms.caps", FieldFaultCode.Repeated, Right with { Caps = [new Cap(CapLevel.Line, 1, 60), new Cap(CapLevel.Line, 2, 60)] } },
        { "terms.caps[0].level", FieldFaultCode.Unknown, Right with { Caps = [new Cap(CapLevel.All, 1, 60)] } },
        { "terms.caps[0].most", FieldFaultCode.OutOfRange, Right with { Caps = [new Cap(CapLevel.Line, 0, 60)] } },
        { "terms.caps[0].seconds", FieldFaultCode.OutOfRange, Right with { Caps = [new Cap(CapLevel.Line, 1, Cap.MaxSeconds + 1)] } },
        { "terms.targets", FieldFaultCode.Missing, Right with { Targets = null! } },
        { "terms.targets.apps[0]", FieldFaultCode.Malformed, Right with { Targets = new Targets(["Chat/1"], [], []) } },
        { "terms.targets.countries[1]", FieldFaultCode.Malformed, Right with { Targets = new Targets([], ["DE", "de"], []) } },
        { "terms.targets.countries", FieldFaultCode.Repeated, Right with { Targets = new Targets([], ["DE", "DE"], []) } },
        { "terms.targets.countries", FieldFaultCode.TooMany, Right with { Targets = new Targets([], [.. Enumerable.Repeat("DE", 201)], []) } },
        { "terms.targets.languages[0]", FieldFaultCode.Malformed, Right with { Targets = new Targets([], [], ["DE"]) } },
        { "terms.targets.languages", FieldFaultCode.Missing, Right with { Targets = new Targets([], [], null!) } },
        { "terms.category", FieldFaultCode.Malformed, Right with { Category = "Baked goods" } },
    };

    [Fact]
    public void What_is_right_is_refused_nowhere()
    {
        Assert.Empty(LineRules.Find("Rolls", Right));
        Assert.Empty(LineRules.Find("Rolls", Right with { Tier = Tier.House, PriceMicros = 0, Dayparts = [], Caps = [], Targets = Targets.Everybody, Category = null }));
        Assert.Empty(LineRules.Find("Rolls", Right with { EndsAt = Start.AddDays(366) }));
    }

    [Theory, MemberData(nameof(Wrong))]
    public void Each_fault_is_found_alone_with_its_field(string field, FieldFaultCode code, LineTerms terms)
    {
        var fault = Assert.Single(LineRules.Find("Rolls", terms));
        Assert.Equal((field, code), (fault.Field, fault.Code));
        Assert.EndsWith(".", fault.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_are_told_at_once()
    {
        var fields = LineRules.Find("", Right with { Weight = 0, TimeZone = "Nowhere", Caps = [null!], Dayparts = [null!], Targets = new Targets([null!], [], []) }).Select(f => f.Field);
        Assert.Equal(
            ["name", "terms.weight", "terms.timeZone", "terms.dayparts[0].days", "terms.dayparts[0].fromHour", "terms.dayparts[0].toHour",
                "terms.caps[0].level", "terms.caps[0].most", "terms.caps[0].seconds", "terms.targets.apps[0]"], fields);
        Assert.Equal(["name", "terms"], LineRules.Find(null, null).Select(f => f.Field));
    }
}
