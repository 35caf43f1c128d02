using System.Security.Cryptography;
using Stories.Age;

namespace Stories.Bench;

/// <summary>Encrypts and decrypts 512 MiB through the public streams, beside Debian's age on the same file, all in memory.</summary>
internal static class AgeBench
{
    private const int Megabytes = 512;

    public static async Task RunAsync()
    {
        var folder = Directory.CreateDirectory($"/dev/shm/stories-bench-{Environment.ProcessId}").FullName;
        try
        {
            string plain = Path.Combine(folder, "plain"), sealedFile = Path.Combine(folder, "sealed"), back = Path.Combine(folder, "back"), key = Path.Combine(folder, "key");
            await using (var file = File.Create(plain))
            {
                var piece = RandomNumberGenerator.GetBytes(1 << 20);
                for (var i = 0; i < Megabytes; i++) await file.WriteAsync(piece);
            }
            using var identity = AgeIdentity.Generate();
            await File.WriteAllTextAsync(key, identity.ExportSecret() + "\n");

            await Measure.CompareAsync("age", 5,
                new Way("Stories.Age", async () =>
                {
                    await using (var source = File.OpenRead(plain))
                    await using (var target = File.Create(sealedFile)) await AgeFile.EncryptAsync(source, target, [identity.Recipient]);
                    await using (var source = File.OpenRead(sealedFile))
                    await using (var target = File.Create(back)) await AgeFile.DecryptAsync(source, target, [identity]);
                }),
                new Way("age (Debian)", async () =>
                {
                    await Shell.RunAsync(folder, "age", "-r", identity.Recipient.ToString(), "-o", sealedFile, plain);
                    await Shell.RunAsync(folder, "age", "-d", "-i", key, "-o", back, sealedFile);
                }));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
