using Microsoft.Extensions.Options;
using Stories.Core.Media;
using Stories.Worker.Media;

namespace Stories.Tests.Media;

public sealed class ScratchTests : IDisposable
{
    private readonly DirectoryInfo place = Directory.CreateTempSubdirectory("stories-test-scratch-");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => place.Delete(recursive: true);

    [Fact]
    public async Task Scratch_is_its_owners_alone_and_gone_with_the_work()
    {
        using var room = Open();
        var scratch = room.Open();
        foreach (var folder in (string[])[room.Folder, scratch.Folder])
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        await File.WriteAllTextAsync(scratch.File("plain"), "text", Cancel);
        Assert.False(room.IsEmpty);
        Assert.Equal(4, scratch.Bytes);
        await scratch.DisposeAsync();
        Assert.True(room.IsEmpty);
        Assert.False(Directory.Exists(scratch.Folder));
    }

    [Fact]
    public void What_a_killed_worker_left_is_wiped_at_start()
    {
        // A killed worker's lock is free, its files are there.
        var left = place.CreateSubdirectory("stories-scratch-of-the-dead").CreateSubdirectory("work");
        File.WriteAllText(Path.Combine(left.FullName, "plain"), "text");
        File.CreateSymbolicLink(Path.Combine(left.FullName, "link"), place.FullName);
        using var room = Open();
        Assert.False(left.Parent!.Exists && Directory.Exists(left.Parent.FullName));
        Assert.True(place.Exists);
    }

    [Fact]
    public async Task What_another_living_worker_has_stays()
    {
        using var other = Open();
        await using var work = other.Open();
        await File.WriteAllTextAsync(work.File("plain"), "text", Cancel);
        using var room = Open();
        Assert.True(File.Exists(work.File("plain")));
    }

    [Fact]
    public void Workers_that_start_at_once_do_not_wipe_each_other()
    {
        var rooms = new ScratchRoom[24];
        Parallel.For(0, rooms.Length, i => rooms[i] = Open());
        Assert.All(rooms, room => Assert.True(File.Exists(Path.Combine(room.Folder, "lifeline"))));
        foreach (var room in rooms) room.Dispose();
        Assert.Empty(place.EnumerateFileSystemInfos());
    }

    /// <summary>A decoder that was taken over could leave a link to a key of ours where a rendition is expected.</summary>
    [Fact]
    public void Only_plain_files_are_taken_from_scratch()
    {
        var secret = Path.Combine(place.FullName, "secret");
        File.WriteAllText(secret, "key");
        Assert.Equal(3, PlainFile.Check(secret));
        var link = Path.Combine(place.FullName, "link");
        File.CreateSymbolicLink(link, secret);
        Assert.Throws<MediaRefusedException>(() => PlainFile.Check(link));
        Assert.Throws<MediaRefusedException>(() => PlainFile.Check(place.FullName));
        Assert.Throws<MediaRefusedException>(() => PlainFile.Check("/dev/zero"));
        Assert.Throws<MediaRefusedException>(() => PlainFile.Check(Path.Combine(place.FullName, "missing")));
        File.WriteAllText(Path.Combine(place.FullName, "empty"), "");
        Assert.Throws<MediaRefusedException>(() => PlainFile.Check(Path.Combine(place.FullName, "empty")));
    }

    [Fact]
    public async Task A_file_of_ours_is_never_written_through_a_link_that_lies_under_its_name()
    {
        var (secret, link) = (Path.Combine(place.FullName, "secret"), Path.Combine(place.FullName, "link"));
        await File.WriteAllTextAsync(secret, "key", Cancel);
        File.CreateSymbolicLink(link, secret);
        await using (var ours = PlainFile.Create(link)) await ours.WriteAsync(new byte[10], Cancel);
        Assert.Equal("key", await File.ReadAllTextAsync(secret, Cancel));
        Assert.Equal(10, PlainFile.Check(link));
    }

    [Fact]
    public async Task Work_waits_until_there_is_room_for_all_that_it_may_write()
    {
        // Of which there is room for one at most.
        using var room = new ScratchRoom(Options.Create(new MediaOptions { ScratchFolder = place.FullName, ScratchBytes = 1L << 50 }));
        var first = await room.OpenAsync(Cancel);
        var second = room.OpenAsync(Cancel);
        using var given = new CancellationTokenSource();
        var third = room.OpenAsync(given.Token);
        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third);
        Assert.False(second.IsCompleted);

        await first.DisposeAsync();
        await using (await second) Assert.Single(Directory.EnumerateDirectories(room.Folder));
        await using (await room.OpenAsync(Cancel)) Assert.Single(Directory.EnumerateDirectories(room.Folder));
    }

    [Fact]
    public async Task A_pipe_or_a_second_name_is_no_plain_file()
    {
        var pipe = Path.Combine(place.FullName, "pipe");
        await Tools.RunAsync("mkfifo", pipe);
        Assert.Throws<MediaRefusedException>(() => PlainFile.Check(pipe));
        var file = Path.Combine(place.FullName, "file");
        await File.WriteAllTextAsync(file, "x", Cancel);
        await Tools.RunAsync("ln", file, file + "-again");
        Assert.Throws<MediaRefusedException>(() => PlainFile.Check(file));
    }

    private ScratchRoom Open() => new(Options.Create(new MediaOptions { ScratchFolder = place.FullName }));
}
