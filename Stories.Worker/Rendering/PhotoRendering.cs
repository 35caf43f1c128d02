using NetVips;
using Stories.Core.Media;
using Stories.Core.Sponsored;

namespace Stories.Worker.Rendering;

/// <summary>
/// Photos by libvips: upright, in sRGB, without any metadata, in two sizes and a tiny preview; of an animation its frames. Runs in
/// the sandboxed child only.
/// </summary>
internal static class PhotoRendering
{
    public const int PreviewBytes = 1024;

    /// <summary>A GIF that asks for less is shown so by every browser: its maker meant "as fast as you can".</summary>
    private const int LeastDelay = 20;
    private const int UsualDelay = 100;

    private const string Profile = "icc-profile-data";

    private const int LargeWidth = 1080;
    private const int LargeHeight = 1920;

    /// <summary>The most that a JPEG's transform can leave out; of a thinner one nothing would be left.</summary>
    private const int MostReduction = 8;

    /// <summary>From one pixel to the next but one, of 255.</summary>
    private const int SharpEdge = 100;

    private static readonly string[] Loaders = ["VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp", "VipsForeignLoadNsgif", "VipsForeignLoadHeif"];
    private static readonly double[] White = [255, 255, 255];

    /// <summary>Nothing but our own formats can be opened, whatever a file says of itself.</summary>
    public static void Prepare()
    {
        Cache.Max = 0;
        NetVips.NetVips.Concurrency = 1;
        // libvips writes about the file to stderr, a thousand lines for one bad picture.
        Log.SetLogHandler("VIPS", Enums.LogLevelFlags.All, (_, _, _) => { });
        Operation.Block("VipsForeignLoad", true);
        foreach (var loader in Loaders) Operation.Block(loader, false);
    }

    /// <exception cref="MediaRefusedException">The file breaks a limit or is damaged.</exception>
    public static RenderedPhotos Render(byte[] file, PhotoLimits limits, PhotoOrder order)
    {
        try
        {
            using var header = Image.NewFromBuffer(file, access: Enums.Access.Sequential, failOn: Enums.FailOn.Error);
            return Check(header, limits) > 1 && IsAnimation(header) ? new RenderedPhotos([], [], Frames(file, header), [], []) : Stills(file, header, order);
        }
        catch (VipsException)
        {
            throw new MediaRefusedException(MediaCodes.Damaged);
        }
    }

    private static RenderedPhotos Stills(byte[] file, Image header, PhotoOrder order)
    {
        using var source = order.IsPremultiplied && header.HasAlpha() ? Divided(header) : Reduced(file, header);
        var profile = header.Contains(Profile) ? (byte[])header.Get(Profile) : [];
        using var large = Fit(source ?? header, LargeWidth, LargeHeight, order.IsUpright, PhotoColors.Of(file, profile, order.Colors));
        using var small = Fit(large, LargeWidth / 2, LargeHeight / 2, isUpright: true);
        return new RenderedPhotos([.. Save(large, isLarge: true, order), .. Save(small, isLarge: false, order)], Preview(small), [], order.WithLook ? Look(small) : [], order.WithLook ? Edges(small) : []);
    }

    /// <summary>WebP with effort 2 costs a third of the default's time and a few percent of size.</summary>
    private static IEnumerable<RenderedPhoto> Save(Image image, bool isLarge, PhotoOrder order)
    {
        yield return new RenderedPhoto(isLarge, IsAvif: false, image.Width, image.Height, image.WebpsaveBuffer(q: 80, effort: 2, keep: Enums.ForeignKeep.None));
        if (order.WithAvif)
            yield return new RenderedPhoto(isLarge, IsAvif: true, image.Width, image.Height, image.HeifsaveBuffer(q: 55, compression: Enums.ForeignHeifCompression.Av1, effort: 2, keep: Enums.ForeignKeep.None));
    }

    /// <summary>
    /// A JPEG that is to become much smaller is decoded at half or a quarter of its size, which its transform gives for less. A
    /// thumbnail straight from the buffer would do that too, but ignore failOn, and let half a picture pass for a whole one.
    /// </summary>
    /// <returns>Null when that would not be enough left to shrink from.</returns>
    private static Image? Reduced(byte[] file, Image header)
    {
        var reduction = Math.Max((double)Math.Min(header.Width, header.Height) / LargeWidth, (double)Math.Max(header.Width, header.Height) / LargeHeight);
        if (reduction < 2 || Math.Min(header.Width, header.Height) < MostReduction || header.Get("vips-loader") is not "jpegload_buffer") return null;
        return Image.NewFromBuffer(file, $"shrink={(reduction < 8 ? 2 : 4)}", access: Enums.Access.Sequential, failOn: Enums.FailOn.Error);
    }

    /// <summary>By its alpha channel.</summary>
    private static Image Divided(Image header)
    {
        using var straight = header.Unpremultiply();
        return straight.Cast(header.Format);
    }

    /// <returns>How many pages there are.</returns>
    private static int Check(Image header, PhotoLimits limits)
    {
        var pages = header.Contains("n-pages") ? (int)header.Get("n-pages") : 1;
        if (header.Width > limits.Side || header.Height > limits.Side || pages > limits.Pages || (long)header.Width * header.Height * pages > limits.Pixels)
            throw new MediaRefusedException(MediaCodes.TooManyPixels);
        return pages;
    }

    /// <summary>Several pictures in a HEIF file are no animation.</summary>
    private static bool IsAnimation(Image header) => header.Get("vips-loader") is "gifload_buffer" or "webpload_buffer";

    /// <summary>Each as a JPEG that is good enough to be encoded from, on white, and how long it is shown.</summary>
    private static List<RenderedFrame> Frames(byte[] file, Image header)
    {
        using var all = Image.NewFromBuffer(file, "n=-1", access: Enums.Access.Sequential, failOn: Enums.FailOn.Error);
        var height = header.Height;
        var delays = all.Contains("delay") ? (int[])all.Get("delay") : [];
        var frames = new List<RenderedFrame>();
        for (var at = 0; at + height <= all.Height; at += height)
        {
            using var place = all.Crop(0, at, all.Width, height);
            using var page = place.CopyMemory();
            using var upright = page.Autorot();
            using var solid = upright.HasAlpha() ? upright.Flatten(background: White) : upright.Copy();
            using var fit = Fit(solid, MostFrameSide(solid.Width, solid.Height), MostFrameSide(solid.Height, solid.Width), isUpright: true);
            var delay = frames.Count < delays.Length ? delays[frames.Count] : UsualDelay;
            frames.Add(new RenderedFrame(delay < LeastDelay ? UsualDelay : Math.Min(delay, 60_000), fit.Width, fit.Height, fit.JpegsaveBuffer(q: 95, subsampleMode: Enums.ForeignSubsample.Off, keep: Enums.ForeignKeep.None)));
        }
        return frames;
    }

    /// <summary>720 for the short side and 1,280 for the long one.</summary>
    private static int MostFrameSide(int side, int other) => side <= other ? 720 : 1280;

    /// <summary>
    /// In memory: a thumbnail is read once, from top to bottom, and others are made of this one. What is not disposed here would
    /// be held until a collection, which a child with so small a heap of its own hardly ever needs.
    /// </summary>
    /// <param name="colors">Null when its profile, or that there is none, says enough.</param>
    private static Image Fit(Image image, int width, int height, bool isUpright, ColorSpace? colors = null)
    {
        var isConverted = colors is not null && colors != ColorSpace.Srgb;
        var output = colors is not null || IsPlainSrgb(image) ? null : "srgb";
        using var thumbnail = isConverted && image.Format == Enums.BandFormat.Ushort
            ? Shrunk(image, width, height, isUpright)
            : image.ThumbnailImage(width, height: height, size: Enums.Size.Down, noRotate: isUpright, outputProfile: output, intent: Enums.Intent.Perceptual);
        using var plain = thumbnail.Mutate(copy =>
        {
            copy.Remove(Profile);
            // Else it would be turned once more by whoever reads it: AVIF has it beside the metadata that are left out.
            copy.Remove("orientation");
        });
        var whole = plain.CopyMemory();
        if (!isConverted) return whole;
        using (whole) return colors!.ToSrgb(whole);
    }

    /// <summary>In all its bits: a thumbnail has eight before it is shrunk, of which numbers for light or high dynamic range leave steps to be seen.</summary>
    private static Image Shrunk(Image image, int width, int height, bool isUpright)
    {
        using var upright = isUpright ? image.Copy() : image.Autorot();
        using var multiplied = upright.HasAlpha() ? upright.Premultiply() : upright.Copy();
        using var shrunk = multiplied.Resize(Math.Min(1, Math.Min((double)width / upright.Width, (double)height / upright.Height)));
        using var divided = upright.HasAlpha() ? shrunk.Unpremultiply() : shrunk.Copy();
        return divided.Cast(image.Format);
    }

    /// <summary>
    /// Without a profile, and what everybody takes for sRGB then. Asked to convert it, libvips 8.18 does so pixel by pixel in floating
    /// point, which gives the same bytes and takes two thirds of the time (250 instead of 75 ms for 12 megapixels).
    /// </summary>
    private static bool IsPlainSrgb(Image image) => !image.Contains(Profile) && image is { Interpretation: Enums.Interpretation.Srgb, Format: Enums.BandFormat.Uchar };

    /// <summary>Whatever its shape: what was cut or squeezed a little looks much the same.</summary>
    private static byte[] Look(Image image)
    {
        using var solid = image.HasAlpha() ? image.Flatten(background: White) : image.Copy();
        using var grey = solid.Colourspace(Enums.Interpretation.Bw);
        using var far = grey.ThumbnailImage(9, height: 8, size: Enums.Size.Force);
        using var bytes = far.Cast(Enums.BandFormat.Uchar);
        return bytes.WriteToMemory<byte>();
    }

    /// <summary>How much of what lies under an app's own words and buttons is sharp: in percent, at the top and at the bottom.</summary>
    private static byte[] Edges(Image image)
    {
        using var solid = image.HasAlpha() ? image.Flatten(background: White) : image.Copy();
        using var grey = solid.Colourspace(Enums.Interpretation.Bw);
        using var steep = grey.Sobel();
        using var sharp = steep > SharpEdge;
        var (top, bottom) = (Math.Max(1, (int)(SafeZone.Top * sharp.Height)), Math.Max(1, (int)(SafeZone.Bottom * sharp.Height)));
        using var above = sharp.ExtractArea(0, 0, sharp.Width, top);
        using var below = sharp.ExtractArea(0, sharp.Height - bottom, sharp.Width, bottom);
        return [Percent(above), Percent(below)];

        // What holds is 255, what does not 0.
        static byte Percent(Image mask) => (byte)Math.Round(mask.Avg() / 255 * 100);
    }

    private static byte[] Preview(Image image)
    {
        for (var side = 32; ; side /= 2)
        {
            using var tiny = image.ThumbnailImage(side, height: side);
            var bytes = tiny.WebpsaveBuffer(q: 40, effort: 4, keep: Enums.ForeignKeep.None);
            if (bytes.Length <= PreviewBytes || side == 4) return bytes;
        }
    }
}
