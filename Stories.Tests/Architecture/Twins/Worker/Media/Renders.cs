namespace Stories.Tests.Architecture.Twins.Worker.Media;

internal sealed class Renders
{
    public NetVips.Image? Picture { get; set; }
}
