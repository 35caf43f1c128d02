using NetVips;
using Stories.Core.Media;

namespace Stories.Worker.Rendering;

/// <summary>
/// Photos by libvips: upright, in sRGB, without any metadata, as WebP in two sizes and a tiny preview. Runs in the sandboxed
/// child only.
/// </summary>
internal static class PhotoRendering
{
    public const int PreviewBytes = 1024;

    private static readonly (string Name, int Width, int Height)[] Sizes = [("photo-1080", 1080, 1920), ("photo-540", 540, 960)];
    private static readonly string[] Loaders = ["VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp"];

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
    public static RenderedPhotos Render(byte[] file, PhotoLimits limits)
    {
        try
        {
            using var source = Open(file, limits);
            // A thumbnail is read once, from top to bottom: the largest is kept in memory and the others are made of it.
            using var largest = Fit(source, Sizes[0].Width, Sizes[0].Height).CopyMemory();
            var photos = new List<RenderedPhoto> { Save(largest, Sizes[0].Name) };
            var last = largest;
            foreach (var (name, width, height) in Sizes.AsSpan(1))
            {
                last = Fit(last, width, height).CopyMemory();
                photos.Add(Save(last, name));
            }
            using (last) return new RenderedPhotos(photos, Preview(last));
        }
        catch (VipsException)
        {
            throw new MediaRefusedException(MediaCodes.Damaged);
        }
    }

    /// <summary>A thumbnail straight from the buffer would ignore failOn, and half a picture pass for a whole one.</summary>
    private static Image Open(byte[] file, PhotoLimits limits)
    {
        var source = Image.NewFromBuffer(file, access: Enums.Access.Sequential, failOn: Enums.FailOn.Error);
        var pages = source.Contains("n-pages") ? (int)source.Get("n-pages") : 1;
        if (source.Width > limits.Side || source.Height > limits.Side || pages > limits.Pages || (long)source.Width * source.Height * pages > limits.Pixels)
            throw new MediaRefusedException(MediaCodes.TooManyPixels);
        return source;
    }

    private static Image Fit(Image image, int width, int height) =>
        image.ThumbnailImage(width, height: height, size: Enums.Size.Down, outputProfile: "srgb", intent: Enums.Intent.Perceptual);

    /// <summary>Effort 2 costs a third of the default's time and a few percent of size.</summary>
    private static RenderedPhoto Save(Image image, string name) =>
        new(name, image.Width, image.Height, image.WebpsaveBuffer(q: 80, effort: 2, keep: Enums.ForeignKeep.None));

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
