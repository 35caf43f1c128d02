using System.Text;
using Stories.Core.Media;

namespace Stories.Worker.Rendering;

/// <summary>
/// <c>Stories.Worker render-child</c>: the sandboxed process that sees photos. It has no file, no network, no key; pictures come by
/// one pipe and renditions go by the other, until the pipe ends.
/// </summary>
internal static class RenderChild
{
    public const string Argument = "render-child";

    public static async Task<int> RunAsync()
    {
        PhotoRendering.Prepare();
        await using var input = Console.OpenStandardInput();
        await using var output = Console.OpenStandardOutput();
        if (await PhotoWire.ReadAnswerAsync(input, CancellationToken.None) is not { } first) return 0;
        var limits = PhotoWire.ReadLimits(first);
        if (LoaderProof.FindFault() is { } fault)
        {
            await PhotoWire.WriteBlockAsync(output, Encoding.UTF8.GetBytes(fault), CancellationToken.None);
            return 1;
        }
        await PhotoWire.WriteBlockAsync(output, PhotoWire.Ready, CancellationToken.None);
        while (await PhotoWire.ReadFileAsync(input, CancellationToken.None) is { } next)
        {
            byte[] answer;
            try
            {
                answer = PhotoWire.WriteAnswer(PhotoRendering.Render(next.File, limits, next.Order));
            }
            catch (MediaRefusedException refused)
            {
                answer = PhotoWire.WriteAnswer(refused.Code);
            }
            await PhotoWire.WriteBlockAsync(output, answer, CancellationToken.None);
        }
        return 0;
    }
}
