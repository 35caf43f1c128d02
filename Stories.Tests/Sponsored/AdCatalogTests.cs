using Stories.Protocol;
using Stories.Protocol.Sponsored;
using static Stories.Tests.Sponsored.AdStage;

namespace Stories.Tests.Sponsored;

/// <summary>Which catalogs a device takes. Each case bends one thing of a good one.</summary>
public sealed class AdCatalogTests : IDisposable
{
    private static readonly CatalogCreative One = Creative("one");
    private static readonly Catalog Good = CatalogOf([Line(1, [One])], [One]);
    private readonly SigningKey service = SigningKey.Generate();

    public void Dispose() => service.Dispose();

    [Fact]
    public void A_good_one_is_taken()
    {
        Assert.Null(Catalog.FindFault(Sign(Good, service), service.PublicKey, "here", Berlin, Noon, out var catalog));
        Assert.Equal(StoriesJson.Write(Good), StoriesJson.Write(catalog));
    }

    [Fact]
    public void One_that_another_key_signed_or_as_something_else_is_not()
    {
        using var other = SigningKey.Generate();
        Assert.Equal(CatalogFault.NotSigned, Fault(Sign(Good, other)));
        Assert.Equal(CatalogFault.NotSigned, Fault(Sign(Good, service, SignaturePurpose.Offer)));
        var record = Sign(Good, service);
        Assert.Equal(CatalogFault.NotSigned, Fault(record with { Bytes = StoriesJson.Write(Good with { Epoch = Good.Epoch + 300 }) }));
        Assert.Equal(CatalogFault.NotSigned, Fault(record with { Signature = [] }));
    }

    [Fact]
    public void One_of_another_deployment_or_cell_is_not()
    {
        Assert.Equal(CatalogFault.AnotherDeployment, Fault(Sign(Good with { Deployment = "there" }, service)));
        Assert.Null(Catalog.FindFault(Sign(Good with { Deployment = "there" }, service), service.PublicKey, null, Berlin, Noon, out _));
        foreach (var cell in (Cell[])[Berlin with { App = "photos-dev" }, Berlin with { Country = "FR" }, Berlin with { Language = "en" }, Berlin with { Age = AgeBand.Adult }])
            Assert.Equal(CatalogFault.AnotherCell, Fault(Sign(Good with { Cell = cell }, service)));
    }

    [Fact]
    public void One_of_a_cell_into_which_its_own_was_merged_is_taken()
    {
        Assert.Null(Fault(Sign(Good with { Cell = Berlin with { Language = null } }, service)));
        Assert.Null(Fault(Sign(Good with { Cell = Berlin with { Country = null, Language = null } }, service)));
        Assert.Equal(CatalogFault.Malformed, Fault(Sign(Good with { Cell = Berlin with { Country = null } }, service)));
    }

    [Fact]
    public void One_from_the_future_or_older_than_48_hours_is_not()
    {
        Assert.Null(Fault(Sign(Good with { Epoch = Good.Epoch + 600 }, service)));
        Assert.Equal(CatalogFault.FromTheFuture, Fault(Sign(Good with { Epoch = Good.Epoch + 900 }, service)));
        Assert.Null(Fault(Sign(Good with { Epoch = Good.Epoch - (48 * 3600) }, service)));
        Assert.Equal(CatalogFault.TooOld, Fault(Sign(Good with { Epoch = Good.Epoch - (48 * 3600) - 300 }, service)));
        Assert.Equal(CatalogFault.TooOld, Good.FindFault(Noon.AddHours(48).AddMilliseconds(1)));
    }

    [Fact]
    public void One_that_shows_something_else_than_was_reviewed_is_not()
    {
        Malformed(Good with { Creatives = [One with { Facts = One.Facts with { Payer = "Somebody else" } }] });
        Malformed(Good with { Creatives = [One with { Media = [One.Media[0] with { File = One.Media[0].File with { Blob = new Digest("00", 1) } }] }] });
        Malformed(Good with { Creatives = [One with { Media = [] }] });
        Malformed(Good with { Creatives = [One with { WhyThis = null! }] });
        Malformed(Good with { Creatives = [One, One] });
        Malformed(Good with { Creatives = [] });
        Malformed(Good with { Creatives = [Creative("pay", action: new CallToAction(CallToActionKind.Pay, Offer: Id(1)))] });
    }

    [Fact]
    public void One_with_a_line_or_a_policy_that_cannot_be_kept_is_not()
    {
        var line = Good.Lines[0];
        Malformed(Good with { Lines = [line, line] });
        Malformed(Good with { Lines = [null!] });
        Malformed(Good with { Lines = [.. Enumerable.Range(0, Catalog.MaxLines + 1).Select(i => Line(i, [One]))] });
        foreach (var bent in (CatalogLine[])[
            line with { Weight = 0 }, line with { Weight = 1001 }, line with { Pass = -1 }, line with { Pass = 65 }, line with { Creatives = [] }, line with { Windows = [new Window(2, 2)] },
            line with { Caps = [new Cap(CapLevel.Line, -1, 1)] }, line with { Caps = [new Cap(CapLevel.Line, 1, 0)] }, line with { Caps = [new Cap(CapLevel.Line, 1, Cap.MaxSeconds + 1)] }])
            Malformed(Good with { Lines = [bent] });
        foreach (var bent in (AdPolicy[])[
            new(FirstPeople: 0), new(PeopleBetween: 0), new(FirstSeconds: -1), new(SecondsBetween: -1), new(PerSession: -1), new(PerDay: -1), new(MaxPerMille: 1001), new(AdsApart: -1),
            new(SkipsBeforeDoubling: -1), new(Caps: [new Cap(CapLevel.All, 1, 0)])])
            Malformed(Good with { Policy = bent });
        Malformed(Good with { Epoch = Good.Epoch + 1 });
        Malformed(Good with { Epoch = -300 });
    }

    [Fact]
    public void One_in_another_form_than_ours_is_not() => Assert.Equal(CatalogFault.Malformed, Fault(Sign([.. StoriesJson.Write(Good), (byte)'\n'], service)));

    private void Malformed(Catalog catalog) => Assert.Equal(CatalogFault.Malformed, Fault(Sign(catalog, service)));

    private CatalogFault? Fault(SignedRecord record)
    {
        var fault = Catalog.FindFault(record, service.PublicKey, "here", Berlin, Noon, out var catalog);
        Assert.Equal(fault is null, catalog is not null);
        return fault;
    }
}
