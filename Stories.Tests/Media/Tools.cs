using System.Diagnostics;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Media;

/// <summary>ffmpeg, ffprobe and exiftool as they are, outside any sandbox: for making inputs and for judging outputs.</summary>
internal static class Tools
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>What the program prints; it must succeed.</summary>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(Cancel);
        var output = await process.StandardOutput.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        Assert.True(process.ExitCode == 0, await errors);
        return output.Trim();
    }

    /// <summary>Makes a file by ffmpeg, in a folder that goes with the run.</summary>
    public static async Task<string> MakeAsync(string name, params string[] arguments)
    {
        var file = Path.Combine(Folder, $"{Guid.NewGuid():N}-{name}");
        await RunAsync("ffmpeg", ["-nostdin", "-v", "error", .. arguments, file]);
        return file;
    }

    public static async Task<string> WriteAsync(byte[] content)
    {
        var file = Path.Combine(Folder, Guid.NewGuid().ToString("N"));
        await File.WriteAllBytesAsync(file, content, Cancel);
        return file;
    }

    /// <summary>One that takes a good while to render and no time to make.</summary>
    public static Task<string> LongVideoAsync() => MakeAsync("long.mp4", "-stream_loop", "24", "-i", Samples.PhoneVideo, "-c", "copy");

    /// <summary>A digest of each picture, in order: the same in another container.</summary>
    public static async Task<string> PictureDigestsAsync(string file)
    {
        var lines = await RunAsync("ffmpeg", "-nostdin", "-v", "error", "-i", file, "-map", "0:v:0", "-f", "framemd5", "-");
        return string.Join('\n', lines.Split('\n').Where(line => !line.StartsWith('#')).Select(line => line.Split(',')[^1].Trim()));
    }

    /// <summary>Red and blue, 0 to 255, at a place given as parts of width and height, in the first picture.</summary>
    public static async Task<(int Red, int Blue)> ColorAtAsync(string file, double x, double y)
    {
        using var process = Process.Start(new ProcessStartInfo("ffmpeg",
            ["-nostdin", "-v", "error", "-i", file, "-frames:v", "1", "-vf", FormattableString.Invariant($"format=rgb24,crop=1:1:iw*{x}:ih*{y}"), "-f", "rawvideo", "-"])
        { RedirectStandardOutput = true })!;
        var pixel = new byte[3];
        await process.StandardOutput.BaseStream.ReadExactlyAsync(pixel, Cancel);
        await process.WaitForExitAsync(Cancel);
        return (pixel[0], pixel[2]);
    }

    /// <summary>The first picture, brought to this size, three bytes a pixel.</summary>
    public static async Task<byte[]> PixelsAsync(string file, int width, int height, params string[] inputArguments)
    {
        using var process = Process.Start(new ProcessStartInfo("ffmpeg",
            ["-nostdin", "-v", "error", .. inputArguments, "-i", file, "-frames:v", "1", "-vf", $"scale={width}:{height}:flags=neighbor,format=rgb24", "-f", "rawvideo", "-"])
        { RedirectStandardOutput = true })!;
        var pixels = new byte[width * height * 3];
        await process.StandardOutput.BaseStream.ReadExactlyAsync(pixels, Cancel);
        await process.WaitForExitAsync(Cancel);
        return pixels;
    }

    private static string Folder { get; } = MakeFolder();

    private static string MakeFolder()
    {
        var folder = Directory.CreateTempSubdirectory("stories-test-media-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }
}
