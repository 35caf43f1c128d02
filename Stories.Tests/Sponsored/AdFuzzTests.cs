using System.Security.Cryptography;
using System.Text;
using Stories.Protocol;
using Stories.Protocol.Sponsored;
using static Stories.Tests.Sponsored.AdStage;
using Tier = Stories.Tests.Fixtures.Tier;

namespace Stories.Tests.Sponsored;

/// <summary>Whatever comes from the service or lies on the disk, signed or summed rightly or not: an answer, and never an exception.</summary>
public sealed class AdFuzzTests : IDisposable
{
    private static readonly string[] Tokens =
        ["null", "-1", "0", "9223372036854775807", "-9223372036854775808", "1e400", "253402300799999", "\"\"", "\"\\ud800\"", "[]", "{}", "[null]", "true", "\"standard\"", "\"all\"", "2147483648", "\"\u0000\"", "}}}}", "[[[[[[[[[[[[[[[[[[[[", ",", "\"id\":1"];

    private static readonly CatalogCreative One = Creative("one");
    private static readonly CatalogLine Cars = Line(1, [One], category: "cars", caps: [new Cap(CapLevel.Line, 1, 60)], countries: ["DE"], languages: ["de"]);
    private static readonly Catalog Here = CatalogOf([Cars, Line(2, [One])], [One], new AdPolicy(Caps: [new Cap(CapLevel.All, 5, 60)]));
    private readonly SigningKey service = SigningKey.Generate();

    public void Dispose() => service.Dispose();

    [Fact]
    public void A_catalog()
    {
        var bytes = StoriesJson.Write(Here);
        var random = new Random(11);
        int taken = 0, rounds = Tier.Rounds(10_000, 300_000);
        for (var round = 0; round < rounds; round++)
        {
            var record = Sign(Mutate(bytes, random), service);
            if (Catalog.FindFault(record, service.PublicKey, null, Berlin, Noon, out var catalog) is not null) continue;
            taken++;
            var log = AdLog.Empty.Show(catalog!, catalog!.Lines is [var first, ..] ? first : Cars, One, Noon);
            foreach (var now in (DateTimeOffset[])[Noon, DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue])
            {
                AdGate.Decide(catalog.Policy, AdSession.BeginAt(now).LeavePerson(), log, new AdBoundary(false, 1), now);
                AdChoice.Choose(catalog, log, "DE", "de", All(catalog), now, Seed(round));
                AdChoice.PrefetchOrder(catalog, log, "DE", "de", now, Seed(round));
            }
        }
        // Some mutants are catalogs still: a changed address, a changed weight.
        Assert.InRange(taken, 1, rounds - 1);
    }

    [Fact]
    public void A_log()
    {
        var bytes = StoriesJson.Write(AdLog.Empty.Show(Here, Cars, One, Noon).Show(Here, Here.Lines[1], One, Noon).HideAd(Id(3), "x").HideAdvertiser(Id(4)) with { DamagedAt = 5 });
        var random = new Random(12);
        int taken = 0, rounds = Tier.Rounds(20_000, 500_000);
        for (var round = 0; round < rounds; round++)
        {
            var json = Mutate(bytes, random);
            byte[] file = random.Next(10) == 0 ? Mutate(json, random) : [.. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(json))), (byte)'\n', .. json];
            var log = AdLog.Read(file, Noon);
            if (log.DamagedAt != Noon.ToUnixTimeMilliseconds()) taken++;
            foreach (var now in (DateTimeOffset[])[Noon, DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue])
            {
                AdGate.Decide(Here.Policy, AdSession.BeginAt(now).LeavePerson(), log, new AdBoundary(false, 1), now);
                AdChoice.Choose(Here, log, "DE", "de", All(Here), now, Seed(round));
                _ = log.Due(now).Count();
                Assert.False(AdLog.Read(log.Prune(now).Write(), Noon).Write().Length == 0);
            }
            // What it takes, it writes so that it takes it again.
            Assert.Equal(log.Write(), AdLog.Read(log.Write(), Noon.AddDays(1)).Write());
        }
        Assert.InRange(taken, 1, rounds - 1);
    }

    [Fact]
    public void A_record()
    {
        var ad = new ChosenAd(Cars, One);
        var bytes = StoriesJson.Write(AdRecord.Begin(Id(5), Here, ad, 1, Noon));
        var random = new Random(13);
        int taken = 0, rounds = Tier.Rounds(50_000, 1_000_000);
        for (var round = 0; round < rounds; round++)
        {
            if (StoriesJson.ReadCanonical<AdRecord>(Mutate(bytes, random)) is not { } record) continue;
            taken++;
            Judge(record);
            Judge(record with { Hour = random.NextInt64(long.MinValue, long.MaxValue), Epoch = random.NextInt64(long.MinValue, long.MaxValue) });
            Judge(record with { Hour = random.NextInt64(long.MinValue, long.MaxValue) / 3600 * 3600, Epoch = random.NextInt64(long.MinValue, long.MaxValue) / 300 * 300 });
        }
        Assert.InRange(taken, 1, rounds - 1);

        static void Judge(AdRecord record)
        {
            record.FindFault(TimeSpan.MaxValue, CallToActionKind.Pay, Noon);
            record.FindFault(null, CallToActionKind.None, DateTimeOffset.UnixEpoch);
            record.IsLate(Noon);
        }
    }

    [Fact]
    public void An_offer()
    {
        var bytes = StoriesJson.Write(new Offer(Id(1), Id(2), "Merchant", "Product", 1_000_000, "EUR", Noon.ToUnixTimeSeconds() + 60));
        var random = new Random(14);
        int taken = 0, rounds = Tier.Rounds(20_000, 500_000);
        for (var round = 0; round < rounds; round++)
            if (Offer.FindFault(Sign(Mutate(bytes, random), service, SignaturePurpose.Offer), service.PublicKey, Id(1), Noon, out _) is null) taken++;
        Assert.InRange(taken, 1, rounds - 1);
    }

    [Fact]
    public void Plain_noise()
    {
        var random = new Random(15);
        for (var round = 0; round < Tier.Rounds(20_000, 500_000); round++)
        {
            var noise = new byte[random.Next(200)];
            random.NextBytes(noise);
            Assert.True(AdLog.Read(noise, Noon).IsQuiet(Noon));
            Assert.Equal(CatalogFault.Malformed, Catalog.FindFault(Sign(noise, service), service.PublicKey, null, Berlin, Noon, out _));
            Assert.Equal(CatalogFault.NotSigned, Catalog.FindFault(new SignedRecord(noise, noise, ""), noise, null, Berlin, Noon, out _));
            Assert.Null(StoriesJson.ReadCanonical<AdRecord>(noise));
        }
    }

    /// <summary>Bytes bent, cut and doubled, and whole values replaced, so that many mutants stay JSON.</summary>
    private static byte[] Mutate(byte[] bytes, Random random)
    {
        var mutant = bytes.ToList();
        for (var change = random.Next(1, 3); change > 0 && mutant.Count > 2; change--)
        {
            var at = random.Next(mutant.Count);
            switch (random.Next(6))
            {
                case 0:
                    mutant[at] = (byte)random.Next(256);
                    break;
                case 1:
                    mutant.RemoveRange(at, Math.Min(random.Next(1, 20), mutant.Count - at));
                    break;
                case 2:
                    mutant.InsertRange(at, mutant.GetRange(at, Math.Min(random.Next(1, 40), mutant.Count - at)));
                    break;
                case 3 or 4:
                    // From a colon to the end of the value behind it.
                    var from = mutant.IndexOf((byte)':', at);
                    if (from < 0) break;
                    var to = mutant.FindIndex(from, b => b is (byte)',' or (byte)'}' or (byte)']');
                    if (to < 0) break;
                    mutant.RemoveRange(from + 1, to - from - 1);
                    mutant.InsertRange(from + 1, Encoding.UTF8.GetBytes(Tokens[random.Next(Tokens.Length)]));
                    break;
                default:
                    if (mutant[at] is >= (byte)'0' and <= (byte)'9') mutant[at] = (byte)random.Next('0', '9' + 1);
                    break;
            }
        }
        return [.. mutant];
    }
}
