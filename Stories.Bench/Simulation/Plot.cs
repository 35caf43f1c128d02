using System.Globalization;
using System.Text;

namespace Stories.Bench.Simulation;

/// <summary>A curve of a plot; points in the units of its axes.</summary>
internal sealed record Curve(string Name, string Colour, IReadOnlyList<(double X, double Y)> Points, bool IsDashed = false);

/// <summary>A small SVG, readable on light and dark pages, without any script or font of its own.</summary>
internal static class Plot
{
    private const int Width = 760, Height = 300, Left = 64, Right = 16, Top = 34, Bottom = 46;

    public static string Draw(string title, string xName, string yName, IReadOnlyList<Curve> curves, double? xStep = null)
    {
        var maxX = Math.Max(1e-9, curves.SelectMany(c => c.Points).Max(p => p.X));
        var maxY = RoundUp(Math.Max(1e-9, curves.SelectMany(c => c.Points).Max(p => p.Y)));
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#777\">");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"18\" font-size=\"14\">{title}</text>");
        for (var i = 0; i <= 4; i++)
        {
            var y = Y(maxY * i / 4);
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{Left} {y:0.#}H{Width - Right}\" stroke=\"#8884\"/><text x=\"{Left - 6}\" y=\"{y + 4:0.#}\" text-anchor=\"end\">{maxY * i / 4:#,0.###}</text>");
        }
        var step = xStep ?? maxX / 6;
        for (var x = 0d; x <= maxX + 1e-9; x += step) svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(x):0.#}\" y=\"{Height - Bottom + 16}\" text-anchor=\"middle\">{x:0.#}</text>");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 4}\" text-anchor=\"middle\">{xName}</text><text x=\"{Width - Right}\" y=\"18\" text-anchor=\"end\">{yName}</text>");
        var at = Left;
        foreach (var curve in curves)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path fill=\"none\" stroke=\"{curve.Colour}\" stroke-width=\"1.6\"{(curve.IsDashed ? " stroke-dasharray=\"5 4\"" : "")} d=\"M{string.Join('L', curve.Points.Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.X):0.#} {Y(p.Y):0.#}")))}\"/>");
            if (curve.Name.Length == 0) continue;
            svg.Append(CultureInfo.InvariantCulture, $"<path stroke=\"{curve.Colour}\" stroke-width=\"3\" d=\"M{at} {Height - 18}h16\"/><text x=\"{at + 20}\" y=\"{Height - 14}\">{curve.Name}</text>");
            at += 40 + curve.Name.Length * 7;
        }
        return svg.Append("</svg>\n").ToString();

        double X(double x) => Left + x / maxX * (Width - Left - Right);
        double Y(double y) => Height - Bottom - y / maxY * (Height - Top - Bottom);
    }

    private static double RoundUp(double value)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return new[] { 1, 1.2, 1.5, 2, 3, 4, 5, 8, 10 }.First(m => m * power >= value - 1e-12) * power;
    }
}
