using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>HEIC by Debian's libheif, in the sandbox: the build of libvips that we use has no decoder for HEVC.</summary>
public sealed class HeicConverter(Sandbox sandbox, SandboxState state)
{
    private const string Tool = "heif-convert";

    /// <summary>A line for each picture.</summary>
    private const int MostWords = 64 * 1024;

    /// <summary>Of a file with several pictures the converter numbers what it writes; the first is the one to be shown.</summary>
    private static readonly string[] Outputs = ["heic.jpg", "heic-1.jpg"];

    /// <returns>The name in scratch of a JPEG that is upright and has the picture's colour profile.</returns>
    /// <exception cref="MediaRefusedException">It cannot be decoded, or not in its time.</exception>
    public async Task<string> ConvertAsync(Scratch scratch, string file, CancellationToken cancellationToken)
    {
        var (exit, _) = await sandbox.RunAsync(Tool, scratch, MostWords, ["-q", "97", file, Outputs[0]], cancellationToken);
        if (exit != 0)
        {
            await state.ThrowIfFallenAsync(cancellationToken);
            throw new MediaRefusedException(MediaCodes.Damaged);
        }
        var output = Outputs.FirstOrDefault(name => File.Exists(scratch.File(name))) ?? throw new MediaRefusedException(MediaCodes.Damaged);
        PlainFile.Check(scratch.File(output));
        return output;
    }
}
