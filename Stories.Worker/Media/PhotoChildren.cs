using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Options;
using Stories.Core.Media;
using Stories.Worker.Rendering;

namespace Stories.Worker.Media;

/// <summary>
/// Sandboxed render children, kept for the next photo because starting one costs more than a photo. One that fails, hangs or
/// has done its share is replaced.
/// </summary>
public sealed class PhotoChildren(Sandbox sandbox, IOptions<MediaOptions> options) : IDisposable
{
    private readonly ConcurrentBag<Child> idle = [];

    /// <exception cref="MediaRefusedException">The photo breaks a limit, is damaged, or kept the child beyond its time.</exception>
    public async Task<IReadOnlyList<RenderedPhoto>> RenderAsync(byte[] photo, CancellationToken cancellationToken)
    {
        var child = idle.TryTake(out var ready) ? ready : await StartAsync(cancellationToken);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.WallClock);
        try
        {
            await PhotoWire.WriteBlockAsync(child.Input, photo, patience.Token);
            await child.Input.FlushAsync(patience.Token);
            var answer = await PhotoWire.ReadBlockAsync(child.Output, patience.Token);
            // A decoder that dies on a file dies on it again: the file is to blame.
            if (answer is null) throw new MediaRefusedException(MediaCodes.Damaged);
            var (refusal, photos) = PhotoWire.ReadAnswer(answer);
            if (++child.Photos < options.Value.PhotosPerChild)
            {
                idle.Add(child);
                child = null;
            }
            return refusal is null ? photos : throw new MediaRefusedException(refusal);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MediaRefusedException(MediaCodes.Limit);
        }
        catch (IOException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MediaRefusedException(MediaCodes.Damaged);
        }
        finally
        {
            child?.Dispose();
        }
    }

    public void Dispose()
    {
        while (idle.TryTake(out var child)) child.Dispose();
    }

    private async Task<Child> StartAsync(CancellationToken cancellationToken)
    {
        var child = new Child(sandbox.Start(RenderChild.Argument, Path.GetTempPath()));
        var limits = new PhotoLimits(options.Value.PhotoMegapixels * 1_000_000L, options.Value.PhotoSide, options.Value.PhotoPages);
        await PhotoWire.WriteBlockAsync(child.Input, PhotoWire.WriteLimits(limits), cancellationToken);
        return child;
    }

    private sealed class Child : IDisposable
    {
        private readonly Process process;

        public Child(Process process)
        {
            this.process = process;
            // Read and thrown away: what a decoder says about a file is nobody's business, and a full pipe would stop it.
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
        }

        public Stream Input => process.StandardInput.BaseStream;
        public Stream Output => process.StandardOutput.BaseStream;
        public int Photos { get; set; }

        public void Dispose()
        {
            // The launcher's death takes bubblewrap and all within it along.
            process.Kill();
            process.Dispose();
        }
    }
}
