using Microsoft.Extensions.Options;
using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>HEIC by Debian's libheif, in the sandbox: the build of libvips that we use has no decoder for HEVC.</summary>
public sealed class HeicConverter(Sandbox sandbox, SandboxState state, IOptions<MediaOptions> options)
{
    private const string Tool = "heif-convert";

    /// <summary>Of a file with several pictures the converter numbers what it writes; the first is the one to be shown.</summary>
    private static readonly string[] Outputs = ["heic.jpg", "heic-1.jpg"];

    /// <returns>The name in scratch of a JPEG that is upright and has the picture's colour profile.</returns>
    /// <exception cref="MediaRefusedException">It cannot be decoded, or not in its time.</exception>
    public async Task<string> ConvertAsync(Scratch scratch, string file, CancellationToken cancellationToken)
    {
        using var convert = sandbox.Start(Tool, scratch.Folder, "-q", "97", file, Outputs[0]);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.WallClock);
        try
        {
            await Task.WhenAll(
                convert.StandardOutput.BaseStream.CopyToAsync(Stream.Null, patience.Token), convert.StandardError.BaseStream.CopyToAsync(Stream.Null, patience.Token));
            await convert.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MediaRefusedException(MediaCodes.Limit);
        }
        finally
        {
            Sandbox.Kill(convert);
        }
        if (convert.ExitCode != 0) await state.ThrowIfFallenAsync(cancellationToken);
        var output = Outputs.FirstOrDefault(name => File.Exists(scratch.File(name))) ?? throw new MediaRefusedException(MediaCodes.Damaged);
        PlainFile.Check(scratch.File(output));
        return convert.ExitCode == 0 ? output : throw new MediaRefusedException(MediaCodes.Damaged);
    }
}
