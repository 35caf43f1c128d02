using System.Diagnostics;

namespace Stories.Tests.Processing;

/// <summary>30 seconds of a size that no player is given as it is: transcoding it takes long enough to be interrupted.</summary>
public sealed class LongVideo : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("stories-long-").FullName;

    public string File => Path.Combine(folder, "long.mp4");

    public async ValueTask InitializeAsync()
    {
        using var ffmpeg = Process.Start("ffmpeg",
            ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1440x2560:rate=30:duration=30", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "40", "-pix_fmt", "yuv420p", File]);
        await ffmpeg.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, ffmpeg.ExitCode);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
