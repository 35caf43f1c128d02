using System.Diagnostics;
using Stories.Age;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Age;

/// <summary>Both directions with the stock command and with the browser's library.</summary>
public sealed class OtherClientsTests
{
    public static TheoryData<int> Lengths => [0, 1, 65535, 65536, 65537, 1_000_003];

    private const string Encrypt = "import {Encrypter} from 'age-encryption';import fs from 'fs';const [k,i,o]=process.argv.slice(1);const e=new Encrypter();e.addRecipient(k);fs.writeFileSync(o,await e.encrypt(fs.readFileSync(i)));";
    private const string Decrypt = "import {Decrypter} from 'age-encryption';import fs from 'fs';const [k,i,o]=process.argv.slice(1);const d=new Decrypter();d.addIdentity(k);fs.writeFileSync(o,await d.decrypt(fs.readFileSync(i)));";

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task The_age_command_opens_our_files_and_we_open_its(int length)
    {
        using var place = new Place(length);
        await File.WriteAllBytesAsync(place.File("ours.age"), AgeFile.Encrypt(place.Plain, place.Identity.Recipient), TestContext.Current.CancellationToken);
        // Through a pipe: with -o the command makes no file for an empty plaintext.
        await RunAsync("sh", "-c", "age -d -i \"$1\" \"$2\" >\"$3\"", "sh", place.File("key"), place.File("ours.age"), place.File("back"));
        Assert.Equal(place.Plain, await File.ReadAllBytesAsync(place.File("back"), TestContext.Current.CancellationToken));

        await RunAsync("age", "-r", place.Identity.Recipient.ToString(), "-o", place.File("theirs.age"), place.File("plain"));
        Assert.Equal(place.Plain, AgeFile.Decrypt(await File.ReadAllBytesAsync(place.File("theirs.age"), TestContext.Current.CancellationToken), place.Identity));
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task The_npm_library_opens_our_files_and_we_open_its(int length)
    {
        using var place = new Place(length);
        await File.WriteAllBytesAsync(place.File("ours.age"), AgeFile.Encrypt(place.Plain, place.Identity.Recipient), TestContext.Current.CancellationToken);
        await RunAsync("node", "--input-type=module", "-e", Decrypt, place.Identity.ExportSecret(), place.File("ours.age"), place.File("back"));
        Assert.Equal(place.Plain, await File.ReadAllBytesAsync(place.File("back"), TestContext.Current.CancellationToken));

        await RunAsync("node", "--input-type=module", "-e", Encrypt, place.Identity.Recipient.ToString(), place.File("plain"), place.File("theirs.age"));
        Assert.Equal(place.Plain, AgeFile.Decrypt(await File.ReadAllBytesAsync(place.File("theirs.age"), TestContext.Current.CancellationToken), place.Identity));
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = Repository.Root, RedirectStandardError = true })!;
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, errors);
    }

    private sealed class Place : IDisposable
    {
        private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("stories-age-");

        public Place(int length)
        {
            Plain = new byte[length];
            for (var i = 0; i < length; i++) Plain[i] = (byte)(i * 7 + i / 255);
            System.IO.File.WriteAllBytes(File("plain"), Plain);
            System.IO.File.WriteAllText(File("key"), Identity.ExportSecret() + "\n");
        }

        public AgeIdentity Identity { get; } = AgeIdentity.Generate();

        public byte[] Plain { get; }

        public string File(string name) => Path.Combine(folder.FullName, name);

        public void Dispose()
        {
            Identity.Dispose();
            folder.Delete(recursive: true);
        }
    }
}
