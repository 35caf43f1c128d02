using NetVips;
using Stories.Worker.Rendering;

namespace Stories.Tests.Media;

/// <summary>libvips as it is in this process, which opens no photo otherwise.</summary>
public sealed class LoaderProofTests : IDisposable
{
    public LoaderProofTests() => PhotoRendering.Prepare();

    public void Dispose() => PhotoRendering.Prepare();

    [Fact]
    public void A_child_that_opens_our_formats_and_no_others_has_no_fault() => Assert.Null(LoaderProof.FindFault());

    [Theory]
    [InlineData("VipsForeignLoadSvg", "libvips opens SVG")]
    [InlineData("VipsForeignLoadTiff", "libvips opens TIFF")]
    public void A_loader_that_was_not_blocked_is_named(string loader, string fault)
    {
        Operation.Block(loader, false);
        Assert.Equal(fault, LoaderProof.FindFault());
    }

    [Theory]
    [InlineData("VipsForeignLoadJpeg", "libvips does not open JPEG")]
    [InlineData("VipsForeignLoadPng", "libvips does not open PNG")]
    [InlineData("VipsForeignLoadWebp", "libvips does not open WebP")]
    public void A_loader_of_ours_that_is_missing_is_named(string loader, string fault)
    {
        Operation.Block(loader, true);
        Assert.Equal(fault, LoaderProof.FindFault());
    }
}
