using NetVips;

namespace Stories.Worker.Rendering;

/// <summary>
/// Shows by doing that libvips opens our formats and no others. Which loaders there are differs between builds, and it blocks
/// by name: a name that has changed would block nothing, and say nothing.
/// </summary>
internal static class LoaderProof
{
    private static readonly (string Name, Func<Image, byte[]> Make)[] Ours =
    [
        ("JPEG", picture => picture.JpegsaveBuffer()),
        ("PNG", picture => picture.PngsaveBuffer()),
        ("WebP", picture => picture.WebpsaveBuffer()),
        ("GIF", picture => picture.GifsaveBuffer()),
        ("AVIF", picture => picture.HeifsaveBuffer(compression: Enums.ForeignHeifCompression.Av1, effort: 0)),
    ];

    private static readonly (string Name, Func<Image, byte[]> Make)[] Others =
    [
        ("SVG", _ => [.. """<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>"""u8]),
        ("PDF", _ => [.. "%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 8 8]>>endobj 3 0 obj<</Type/Page/Parent 2 0 R>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"u8]),
        ("TIFF", picture => picture.TiffsaveBuffer()),
        // Its magic bytes, then a header: libvips takes no such file but by name, so far.
        ("libvips's own format", _ => [0xb6, 0xa6, 0xf2, 0x08, .. new byte[64]]),
    ];

    /// <returns>What is wrong, or null.</returns>
    public static string? FindFault()
    {
        using var picture = Image.Black(8, 8, bands: 3);
        foreach (var (name, make) in Ours)
            if (!Opens(make(picture))) return $"libvips does not open {name}";
        foreach (var (name, make) in Others)
            if (Opens(make(picture))) return $"libvips opens {name}";
        return null;
    }

    private static bool Opens(byte[] file)
    {
        try
        {
            using var picture = Image.NewFromBuffer(file);
            picture.Avg();
            return true;
        }
        catch (VipsException)
        {
            return false;
        }
    }
}
