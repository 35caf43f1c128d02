using Microsoft.Extensions.Options;
using Stories.Worker.Keys;

namespace Stories.Tests.Keys;

/// <summary>A Keys:Folder of one's own, which several workers may share.</summary>
internal sealed class KeyFolder : IDisposable
{
    public string Path { get; } = System.IO.Path.Combine(Directory.CreateTempSubdirectory("stories-keys-").FullName, "keys");

    public KeyEncryptionKeys Encryption() => new(Options.Create(new KeyOptions { Folder = Path }));

    public ServiceSigner Signer() => new(Options.Create(new KeyOptions { Folder = Path }));

    public IEnumerable<string> Files => Directory.EnumerateFiles(Path).Select(f => System.IO.Path.GetFileName(f)).Order(StringComparer.Ordinal);

    public void Dispose() => Directory.Delete(System.IO.Path.GetDirectoryName(Path)!, recursive: true);
}
