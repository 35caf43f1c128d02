using System.Numerics;
using System.Runtime.InteropServices;
using NetVips;

namespace Stories.Worker.Rendering;

/// <summary>
/// Colours that are told by numbers, and their way to sRGB: libvips knows those that a profile tells. A curve to light, a matrix, what
/// is too bright pressed together as in videos, and what lies outside cut off.
/// </summary>
/// <param name="toLight">From a number of 0 to 1 to light, of which 1 is as white as paper.</param>
/// <param name="isScene">Light is as the camera saw it (hybrid log-gamma), and more of it on a screen the brighter it is.</param>
internal sealed class ColorSpace(Chromaticities primaries, Func<double, double> toLight, bool isScene = false, double peak = 1)
{
    public static readonly ColorSpace Srgb = new(Chromaticities.Srgb, OfSrgb);

    private static readonly double[] LuminanceOfBt2020 = [0.2627, 0.678, 0.0593];

    /// <returns>Of most of television's: sRGB, which is near enough. Null of what is not said and of what nobody knows.</returns>
    public static ColorSpace? Of(CodePoints said)
    {
        var primaries = said.Primaries switch { 1 or 5 or 6 or 7 => Chromaticities.Srgb, 9 => Chromaticities.Bt2020, 11 or 12 => Chromaticities.DisplayP3, _ => null };
        return said.Transfer switch
        {
            CodePoints.PerceptualQuantizer => new ColorSpace(primaries ?? Chromaticities.Bt2020, OfPerceptualQuantizer, peak: ToneMapping.Brightest / ToneMapping.White),
            CodePoints.HybridLogGamma => new ColorSpace(primaries ?? Chromaticities.Bt2020, OfHybridLogGamma, isScene: true, peak: ToneMapping.Brightest / ToneMapping.White),
            4 => Of(primaries ?? Chromaticities.Srgb, 2.2),
            5 => Of(primaries ?? Chromaticities.Srgb, 2.8),
            8 => Of(primaries ?? Chromaticities.Srgb, 1),
            1 or 6 or 13 or 14 or 15 => Of(primaries ?? Chromaticities.Srgb, gamma: null),
            _ => primaries is null ? null : Of(primaries, gamma: null),
        };
    }

    /// <param name="gamma">Null of sRGB's curve.</param>
    public static ColorSpace Of(Chromaticities primaries, double? gamma)
    {
        if (gamma is { } power) return new ColorSpace(primaries, value => Math.Pow(value, power));
        return primaries.IsNear(Chromaticities.Srgb) ? Srgb : new ColorSpace(primaries, OfSrgb);
    }

    /// <summary>IEC 61966-2-1.</summary>
    private static double OfSrgb(double value) => value <= 0.04045 ? value / 12.92 : Math.Pow((value + 0.055) / 1.055, 2.4);

    /// <returns>In eight bits, in memory.</returns>
    public Image ToSrgb(Image picture)
    {
        using var colored = picture.Interpretation switch
        {
            Enums.Interpretation.Bw => picture.Colourspace(Enums.Interpretation.Srgb),
            Enums.Interpretation.Grey16 => picture.Colourspace(Enums.Interpretation.Rgb16),
            _ => picture.Copy(),
        };
        using var numbers = colored.ExtractBand(0, n: 3);
        using var curve = Curve(colored.Format == Enums.BandFormat.Uchar ? 256 : 65536);
        using var light = numbers.Maplut(curve);
        using var shown = isScene ? OnScreen(light) : light.Copy();
        using var matrix = Image.NewFromArray(primaries.ToSrgb());
        using var wide = shown.Recomb(matrix);
        using var pressed = peak > 1 ? Press(wide) : wide.Copy();
        using var named = pressed.Copy(interpretation: Enums.Interpretation.Scrgb);
        using var standard = named.Colourspace(Enums.Interpretation.Srgb);
        if (!colored.HasAlpha()) return standard.CopyMemory();
        using var alpha = colored.ExtractBand(3);
        using var narrow = colored.Format == Enums.BandFormat.Uchar ? alpha.Copy() : (alpha / 257).Cast(Enums.BandFormat.Uchar);
        using var whole = standard.Bandjoin(narrow);
        return whole.CopyMemory();
    }

    private Image Curve(int steps)
    {
        var light = new float[steps];
        for (var i = 0; i < steps; i++) light[i] = (float)toLight(i / (steps - 1.0));
        return Image.NewFromMemoryCopy(MemoryMarshal.AsBytes<float>(light).ToArray(), steps, 1, 1, Enums.BandFormat.Float);
    }

    /// <summary>BT.2100: a screen of 1,000 candela shows what a camera saw to the power of 1.2.</summary>
    private static Image OnScreen(Image light)
    {
        using var weights = Image.NewFromArray(new[,] { { LuminanceOfBt2020[0], LuminanceOfBt2020[1], LuminanceOfBt2020[2] } });
        using var luminance = light.Recomb(weights);
        using var gain = luminance.Pow(0.2);
        using var factor = gain * (ToneMapping.Brightest / ToneMapping.White);
        return light * factor;
    }

    /// <summary>Mobius, by the brightest of the three, so that no colour becomes another.</summary>
    private Image Press(Image light)
    {
        const double knee = ToneMapping.Knee;
        var (a, b) = (-knee * knee * (peak - 1) / (knee * knee - 2 * knee + peak), (knee * knee - 2 * knee * peak + peak) / (peak - 1));
        var scale = (b * b + 2 * b * knee + knee * knee) / (b - a);
        using var red = light.ExtractBand(0);
        using var green = light.ExtractBand(1);
        using var blue = light.ExtractBand(2);
        using var warm = red.Maxpair(green);
        using var most = warm.Maxpair(blue);
        using var isBright = most > knee;
        using var over = (most + a) * scale;
        using var under = (most + b) * most;
        using var ratio = over / under;
        using var factor = isBright.Ifthenelse(ratio, 1.0);
        return light * factor;
    }

    /// <summary>SMPTE ST 2084.</summary>
    private static double OfPerceptualQuantizer(double value)
    {
        var root = Math.Pow(value, 32 / 2523.0);
        return 10_000 / ToneMapping.White * Math.Pow(Math.Max(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root), 8192 / 1305.0);
    }

    /// <summary>ARIB STD-B67.</summary>
    private static double OfHybridLogGamma(double value)
    {
        const double a = 0.17883277, b = 1 - 4 * a;
        return value <= 0.5 ? value * value / 3 : (Math.Exp((value - (0.5 - a * Math.Log(4 * a))) / a) + b) / 12;
    }
}

/// <summary>CIE 1931 x and y.</summary>
internal sealed record Chromaticities(Vector2 Red, Vector2 Green, Vector2 Blue, Vector2 White)
{
    private const float NearEnough = 0.002f;
    private static readonly Vector2 Daylight = new(0.3127f, 0.329f);

    public static readonly Chromaticities Srgb = new(new(0.64f, 0.33f), new(0.3f, 0.6f), new(0.15f, 0.06f), Daylight);
    public static readonly Chromaticities DisplayP3 = new(new(0.68f, 0.32f), new(0.265f, 0.69f), new(0.15f, 0.06f), Daylight);
    public static readonly Chromaticities Bt2020 = new(new(0.708f, 0.292f), new(0.17f, 0.797f), new(0.131f, 0.046f), Daylight);

    /// <summary>Bradford's, for vectors from the left.</summary>
    private static readonly Matrix4x4 Cones = Rows(new(0.8951f, -0.7502f, 0.0389f), new(0.2664f, 1.7135f, -0.0685f), new(-0.1614f, 0.0367f, 1.0296f));

    /// <summary>Not on one line, nor anywhere that cannot be.</summary>
    public bool AreWhole => ToSrgb().Cast<double>().All(double.IsFinite);

    public bool IsNear(Chromaticities other) =>
        Vector2.Distance(Red, other.Red) < NearEnough && Vector2.Distance(Green, other.Green) < NearEnough && Vector2.Distance(Blue, other.Blue) < NearEnough && Vector2.Distance(White, other.White) < NearEnough;

    /// <returns>The matrix for light, by the row; white stays white.</returns>
    public double[,] ToSrgb()
    {
        var (from, to) = (Vector3.TransformNormal(Whole(White), Cones), Vector3.TransformNormal(Whole(Srgb.White), Cones));
        var adapt = Cones * Matrix4x4.CreateScale(to / from) * Inverse(Cones);
        var m = ToXyz() * adapt * Inverse(Srgb.ToXyz());
        return new double[,] { { m.M11, m.M21, m.M31 }, { m.M12, m.M22, m.M32 }, { m.M13, m.M23, m.M33 } };
    }

    private Matrix4x4 ToXyz()
    {
        var shape = Rows(Whole(Red), Whole(Green), Whole(Blue));
        return Matrix4x4.CreateScale(Vector3.TransformNormal(Whole(White), Inverse(shape))) * shape;
    }

    /// <summary>With Y as 1.</summary>
    private static Vector3 Whole(Vector2 place) => new(place.X / place.Y, 1, (1 - place.X - place.Y) / place.Y);

    private static Matrix4x4 Rows(Vector3 first, Vector3 second, Vector3 third) =>
        new(first.X, first.Y, first.Z, 0, second.X, second.Y, second.Z, 0, third.X, third.Y, third.Z, 0, 0, 0, 0, 1);

    /// <returns>No numbers when there is none.</returns>
    private static Matrix4x4 Inverse(Matrix4x4 matrix)
    {
        Matrix4x4.Invert(matrix, out var inverse);
        return inverse;
    }
}
