using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Options;
using Stories.Core.Media;
using Stories.Worker.Rendering;

namespace Stories.Worker.Media;

/// <summary>
/// Sandboxed render children, kept for the next photo because starting one costs more than a photo. One that fails, hangs or
/// has done its share is replaced. No more compute at once than there are cores: who has fetched a photo waits for one, and
/// fetching goes on beside them.
/// </summary>
public sealed class PhotoChildren(Sandbox sandbox, SandboxState state, IOptions<MediaOptions> options) : IDisposable
{
    private readonly ConcurrentBag<Child> idle = [];
    private readonly SemaphoreSlim cores = new(Environment.ProcessorCount);
    private long started;

    /// <summary>How many have been started so far.</summary>
    public long Started => Interlocked.Read(ref started);

    /// <summary>Those that wait for a photo.</summary>
    internal IEnumerable<int> Idle => idle.Select(child => child.ProcessId);

    /// <exception cref="MediaRefusedException">The photo breaks a limit, is damaged, or kept the child beyond its time.</exception>
    /// <exception cref="SandboxFaultException">No child can be started.</exception>
    public async Task<RenderedPhotos> RenderAsync(string file, PhotoOrder order, CancellationToken cancellationToken)
    {
        await cores.WaitAsync(cancellationToken);
        try
        {
            // One that has waited may have died of something else; only a fresh one's death says anything about this photo.
            if (idle.TryTake(out var waiting) && await AskAsync(waiting, file, order, cancellationToken) is { } answer) return Verdict(order, answer);
            if (await AskAsync(await StartAsync(cancellationToken), file, order, cancellationToken) is { } fresh) return Verdict(order, fresh);
            state.ThrowIfOutOfMemory();
            throw new MediaRefusedException(MediaCodes.Damaged);
        }
        finally
        {
            cores.Release();
        }
    }

    /// <summary>What a picture that was rendered here looks like from far away, and how busy it is where an app lays its own things.</summary>
    public async Task<PhotoLook> LookAsync(string file, CancellationToken cancellationToken)
    {
        var seen = await RenderAsync(file, new PhotoOrder(IsUpright: true, WithLook: true), cancellationToken);
        return new PhotoLook(seen.Look, seen.Edges);
    }

    public void Dispose()
    {
        while (idle.TryTake(out var child)) child.Dispose();
    }

    /// <summary>A child that was taken over says what it likes, within this.</summary>
    internal static RenderedPhotos Verdict(PhotoOrder order, (string? Refusal, RenderedPhotos Rendered) answer)
    {
        if (answer.Refusal is not null) throw new MediaRefusedException(MediaCodes.All.Contains(answer.Refusal) ? answer.Refusal : MediaCodes.Damaged);
        var asked = answer.Rendered.Frames.Count > 0 ? 0 : order.WithAvif ? 4 : 2;
        var isWhole = answer.Rendered.Photos.Count == asked && answer.Rendered.Photos.All(p => order.WithAvif || !p.IsAvif) &&
            (!order.WithLook || (answer.Rendered.Look.Length, answer.Rendered.Edges.Length) == (PhotoWire.LookBytes, PhotoWire.EdgeBytes));
        return isWhole ? answer.Rendered : throw new MediaRefusedException(MediaCodes.Damaged);
    }

    /// <returns>Null when the child died of it.</returns>
    private async Task<(string? Refusal, RenderedPhotos Rendered)?> AskAsync(Child child, string file, PhotoOrder order, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.WallClock);
        var isFit = false;
        try
        {
            await PhotoWire.WriteFileAsync(child.Input, order, file, patience.Token);
            if (await PhotoWire.ReadAnswerAsync(child.Output, patience.Token) is not { } answer) return null;
            var read = PhotoWire.ReadAnswer(answer);
            isFit = ++child.Photos < options.Value.PhotosPerChild;
            return read;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MediaRefusedException(MediaCodes.Limit);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return null;
        }
        finally
        {
            if (isFit) idle.Add(child);
            else child.Dispose();
        }
    }

    private async Task<Child> StartAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref started);
        var child = new Child(sandbox.Start(RenderChild.Argument, sandbox.Folder));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.WallClock);
        string? fault = null;
        try
        {
            var limits = new PhotoLimits(options.Value.PhotoMegapixels * 1_000_000L, options.Value.PhotoSide, options.Value.PhotoPages);
            try
            {
                await PhotoWire.WriteBlockAsync(child.Input, PhotoWire.WriteLimits(limits), patience.Token);
            }
            catch (IOException)
            {
                // It has gone already, and may have said why.
            }
            var ready = await PhotoWire.ReadAnswerAsync(child.Output, patience.Token);
            if (ready is not null && PhotoWire.Ready.Span.SequenceEqual(ready)) return child;
            // It has seen no photo yet and can be believed.
            fault = ready is null ? null : Encoding.UTF8.GetString(ready);
        }
        catch (Exception e) when (e is IOException or InvalidDataException || e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // Said below: it has not seen any photo yet, so none is to blame.
        }
        catch
        {
            child.Dispose();
            throw;
        }
        child.Dispose();
        await state.ThrowIfFallenAsync("render-child", cancellationToken);
        if (fault is not null) state.Fall(fault);
        throw new SandboxFaultException(fault ?? "the render child does not start");
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

        public int ProcessId => process.Id;
        public Stream Input => process.StandardInput.BaseStream;
        public Stream Output => process.StandardOutput.BaseStream;
        public int Photos { get; set; }

        public void Dispose()
        {
            Sandbox.Kill(process);
            try
            {
                Input.Dispose();
            }
            catch (IOException)
            {
                // What was still on its way to a child that is dead.
            }
            process.Dispose();
        }
    }
}
