using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>HEIC by Debian's libheif, in the sandbox: the build of libvips that we use has no decoder for HEVC.</summary>
public sealed class HeicConverter(Sandbox sandbox, SandboxState state)
{
    private const string Tool = "heif-convert";

    /// <summary>A line for each picture.</summary>
    private const int MostWords = 64 * 1024;

    /// <param name="picture">What its index said.</param>
    /// <returns>
    /// The name in scratch of a picture that is upright and has its colour profile: a PNG if it has an alpha channel, else a JPEG, which takes
    /// an eighth of the time (2.6 and 19 s of 12 megapixels in 10 bits).
    /// </returns>
    /// <exception cref="MediaRefusedException">It cannot be decoded, or not in its time.</exception>
    public async Task<string> ConvertAsync(Scratch scratch, string file, HeifPicture picture, CancellationToken cancellationToken)
    {
        var output = picture.HasAlpha ? "heic.png" : "heic.jpg";
        // That of another photo of this story must not pass for this one's.
        File.Delete(scratch.File(output));
        var (exit, _) = await sandbox.RunAsync(Tool, scratch, MostWords, ["-q", "97", file, output], cancellationToken);
        if (exit != 0)
        {
            await state.ThrowIfFallenAsync(Tool, cancellationToken);
            throw new MediaRefusedException(MediaCodes.Damaged);
        }
        PlainFile.Check(scratch.File(output));
        return output;
    }
}
