using System.Text;
using Stories.Protocol;

namespace Stories.Client;

/// <summary>One writer of a file at a time, among all threads and processes of this user.</summary>
internal readonly struct Turn : IDisposable
{
    private readonly Mutex mutex;

    private Turn(Mutex mutex) => this.mutex = mutex;

    /// <summary>Given back on the thread that took it.</summary>
    /// <param name="path">Absolute.</param>
    public static Turn Take(string path)
    {
        var name = "stories-" + Digest.Of(Encoding.UTF8.GetBytes(path)).Sha256[..32];
        var mutex = new Mutex(false, name, new NamedWaitHandleOptions { CurrentUserOnly = true, CurrentSessionOnly = false });
        try
        {
            mutex.WaitOne();
        }
        catch (AbandonedMutexException)
        {
            // Its owner was killed; the file is whole all the same.
        }
        return new Turn(mutex);
    }

    public void Dispose()
    {
        mutex.ReleaseMutex();
        mutex.Dispose();
    }
}
