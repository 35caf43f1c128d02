namespace Stories.Tests.Architecture.Twins.Worker.Keys;

internal sealed class Renders
{
    public static int Width(byte[] file)
    {
        using var picture = NetVips.Image.NewFromBuffer(file);
        return picture.Width;
    }

    public static FFMpegCore.FFOptions Options() => new();
}
