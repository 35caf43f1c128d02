using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>HEIC by Debian's libheif, in the sandbox: the build of libvips that we use has no decoder for HEVC.</summary>
public sealed class HeicConverter(Sandbox sandbox, SandboxState state)
{
    private const string Tool = "heif-convert";

    /// <summary>A line for each picture.</summary>
    private const int MostWords = 64 * 1024;

    /// <returns>The name in scratch of a picture that is upright and has its colour profile: a PNG if it has an alpha channel, else a JPEG, which is much faster.</returns>
    /// <exception cref="MediaRefusedException">It cannot be decoded, or not in its time.</exception>
    public async Task<string> ConvertAsync(Scratch scratch, string file, CancellationToken cancellationToken)
    {
        // A decoder that had another file of this story may have put a link in its place.
        PlainFile.Check(scratch.File(file));
        var output = await TidyAsync(scratch.File(file), cancellationToken) ? "heic.png" : "heic.jpg";
        // That of another photo of this story must not pass for this one's.
        File.Delete(scratch.File(output));
        var (exit, _) = await sandbox.RunAsync(Tool, scratch, MostWords, ["-q", "97", file, output], cancellationToken);
        if (exit != 0)
        {
            await state.ThrowIfFallenAsync(cancellationToken);
            throw new MediaRefusedException(MediaCodes.Damaged);
        }
        PlainFile.Check(scratch.File(output));
        return output;
    }

    private static async Task<bool> TidyAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        return await HeifIndex.TidyAsync(file, cancellationToken);
    }
}
