using NetVips;
using Stories.Tests.Fixtures;
using Stories.Worker.Rendering;

namespace Stories.Tests.Media;

/// <summary>What the render child does, in this process.</summary>
public sealed class PhotoRenderingTests
{
    private const string Profile = "icc-profile-data";
    private static readonly PhotoLimits Limits = new(100_000_000, 16_384, 120);

    public PhotoRenderingTests() => PhotoRendering.Prepare();

    /// <summary>It is not converted, which would take longer than all the rest, and looks as if it were.</summary>
    [Fact]
    public void A_photo_without_a_profile_becomes_the_same_as_one_that_says_sRGB()
    {
        var (without, with) = (Render(null), Render("srgb"));
        Assert.Equal(with.Photos.Select(p => p.Bytes), without.Photos.Select(p => p.Bytes));
        Assert.Equal(with.Preview, without.Preview);
    }

    [Fact]
    public void A_photo_in_Display_P3_does_not_become_the_same() =>
        Assert.NotEqual(Render("srgb").Photos[0].Bytes, Render("p3").Photos[0].Bytes);

    private static RenderedPhotos Render(string? profile)
    {
        using var photo = Image.NewFromFile(Samples.Photo);
        using var said = photo.Mutate(copy =>
        {
            copy.Remove(Profile);
            if (profile is not null) copy.Set(GValue.BlobType, Profile, Image.ProfileLoad(profile));
        });
        return PhotoRendering.Render(said.PngsaveBuffer(compression: 1), Limits, new PhotoOrder());
    }
}
