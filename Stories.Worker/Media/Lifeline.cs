namespace Stories.Worker.Media;

/// <summary>
/// A lock on a file, held as long as this process lives. The kernel lets go of it however the process ends, kill -9 included,
/// so who gets it knows that the owner is gone.
/// </summary>
internal sealed class Lifeline : IDisposable
{
    private readonly FileStream file;

    private Lifeline(FileStream file) => this.file = file;

    /// <returns>Null when another process holds it.</returns>
    public static Lifeline? Take(string path)
    {
        try
        {
            // FileShare.None is flock(LOCK_EX) on Linux; the handle is closed on exec, so no child inherits the lock.
            return new Lifeline(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Dispose() => file.Dispose();
}
