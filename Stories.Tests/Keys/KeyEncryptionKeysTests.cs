using System.Security.Cryptography;
using Stories.Core;
using Stories.Worker.Keys;

namespace Stories.Tests.Keys;

public sealed class KeyEncryptionKeysTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);
    private static readonly byte[] Secret = [1, 2, 3];

    [Fact]
    public void What_one_worker_wraps_another_with_the_same_folder_unwraps()
    {
        using var folder = new KeyFolder();
        var (about, one) = (Guid.NewGuid(), folder.Encryption());
        var key = one.Current(Noon);
        var wrapped = one.Wrap(key, Secret, about);

        Assert.Equal(Secret, folder.Encryption().Unwrap(key, wrapped, about));
    }

    [Fact]
    public void A_secret_cannot_stand_in_for_another_rows()
    {
        using var folder = new KeyFolder();
        var keys = folder.Encryption();
        var key = keys.Current(Noon);
        var wrapped = keys.Wrap(key, Secret, Guid.NewGuid());

        Assert.Throws<AuthenticationTagMismatchException>(() => keys.Unwrap(key, wrapped, Guid.NewGuid()));
    }

    [Fact]
    public void A_new_key_wraps_each_day_and_one_lives_for_two()
    {
        using var folder = new KeyFolder();
        var keys = folder.Encryption();
        var first = keys.Current(Noon);
        Assert.Equal(first, keys.Current(Noon + KeyEncryptionKeys.CurrentFor - TimeSpan.FromSeconds(1)));
        var second = keys.Current(Noon + KeyEncryptionKeys.CurrentFor);
        Assert.NotEqual(first, second);

        keys.DestroyOld(Noon + KeyEncryptionKeys.Life - TimeSpan.FromSeconds(1));
        Assert.Equal(2, folder.Files.Count());
        keys.DestroyOld(Noon + KeyEncryptionKeys.Life);
        Assert.Equal(["kek-" + second], folder.Files);
    }

    [Fact]
    public void A_destroyed_key_unwraps_nothing()
    {
        using var folder = new KeyFolder();
        var (about, keys) = (Guid.NewGuid(), folder.Encryption());
        var key = keys.Current(Noon);
        var wrapped = keys.Wrap(key, Secret, about);
        keys.DestroyOld(Noon + KeyEncryptionKeys.Life);

        Assert.Null(keys.Unwrap(key, wrapped, about));
    }

    [Fact]
    public void What_a_killed_maker_left_beside_a_key_does_not_outlive_it()
    {
        using var folder = new KeyFolder();
        var keys = folder.Encryption();
        var key = keys.Current(Noon);
        File.Copy(Path.Combine(folder.Path, "kek-" + key), Path.Combine(folder.Path, $"kek-{key}.{Guid.NewGuid():N}"));

        Assert.Equal(key, keys.Current(Noon));
        keys.DestroyOld(Noon + KeyEncryptionKeys.Life);
        Assert.Empty(folder.Files);
    }

    [Fact]
    public async Task Many_makers_at_once_agree_on_one_key()
    {
        for (var round = 0; round < 20; round++)
        {
            using var folder = new KeyFolder();
            using var start = new Barrier(8);
            var about = Guid.NewGuid();
            var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Factory.StartNew(() =>
            {
                var keys = folder.Encryption();
                start.SignalAndWait(TestContext.Current.CancellationToken);
                var key = keys.Current(Noon);
                return (Key: key, Wrapped: keys.Wrap(key, Secret, about));
            }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

            Assert.Single(folder.Files);
            Assert.All(made, m => Assert.Equal(Secret, folder.Encryption().Unwrap(m.Key, m.Wrapped, about)));
        }
    }

    [Fact]
    public void Folder_and_files_are_their_owners_alone()
    {
        using var folder = new KeyFolder();
        folder.Encryption().Current(Noon);
        using var signer = folder.Signer();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder.Path));
        Assert.All(Directory.EnumerateFiles(folder.Path), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    [Fact]
    public void A_key_that_others_can_read_is_refused()
    {
        using var folder = new KeyFolder();
        folder.Signer().Dispose();
        File.SetUnixFileMode(Path.Combine(folder.Path, "service-key"), UnixFileMode.UserRead | UnixFileMode.OtherRead);

        var refusal = Assert.Throws<StartRefusedException>(folder.Signer);
        Assert.Contains("chmod 600", refusal.Message, StringComparison.Ordinal);
    }
}
