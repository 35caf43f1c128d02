using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Stories.Core.Media;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Worker.Confinement;
using Stories.Worker.Hosting;
using Stories.Worker.Media;

namespace Stories.Tests.Media;

public sealed class SandboxTests
{
    private static readonly TimeSpan NothingLeftAfter = TimeSpan.FromSeconds(5);

    public static TheoryData<SandboxKind> Kinds => [SandboxKind.Bubblewrap, SandboxKind.Landlock];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Kinds))]
    public async Task The_walls_stand(SandboxKind kind)
    {
        await using var rig = await StartAsync(kind);
        Assert.Null(rig.State.Fault);
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_file_outside_and_the_workers_environment_cannot_be_seen(SandboxKind kind)
    {
        Environment.SetEnvironmentVariable("STORIES_TEST_SECRET", "canary-in-environment");
        await using var rig = await StartAsync(kind);
        await using var scratch = rig.ScratchRoom.Open();
        await using var other = rig.ScratchRoom.Open();
        await File.WriteAllTextAsync(scratch.File("mine"), "in scratch", Cancel);
        await File.WriteAllTextAsync(other.File("theirs"), "in another's scratch", Cancel);
        var said = await InsideAsync(rig, scratch.Folder, $$"""
            shopt -s dotglob
            for file in mine '{{other.File("theirs")}}' '{{Repository.Path("Stories.sln")}}' /proc/*/environ; do while read -r line || [ "$line" ]; do echo "$line"; done <"$file"; done
            echo /* /etc/* /tmp/* /dev/shm/* /proc/[0-9]*
            export -p
            """);

        Assert.Contains("in scratch", said.Output);
        Assert.Contains(kind == SandboxKind.Bubblewrap ? "/usr" : "/*", said.Output);
        Assert.DoesNotContain("theirs", said.Output);
        Assert.DoesNotContain("another's", said.Output);
        Assert.DoesNotContain("Visual Studio", said.Output);
        Assert.DoesNotContain("canary-in-environment", said.Output);
        Assert.DoesNotContain("passwd", said.Output);
    }

    /// <summary>As FFMpegCore starts it: with our whole environment, and from whatever folder.</summary>
    [Theory]
    [InlineData(SandboxKind.Bubblewrap, "/tmp\n *\n")]
    [InlineData(SandboxKind.Landlock, "/\n *\n")]
    public async Task Whoever_starts_the_launcher_starts_it_sandboxed(SandboxKind kind, string nothing)
    {
        await using var rig = await StartAsync(kind);
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(rig.Sandbox.Folder, "check"), ["-c", "read -rN 1 first </proc/1/environ; pwd; echo \"$first\" *"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = Repository.Root,
            Environment = { ["STORIES_TEST_SECRET"] = "canary-in-environment" },
        })!;
        Assert.Equal(nothing, await process.StandardOutput.ReadToEndAsync(Cancel));
        await process.WaitForExitAsync(Cancel);
    }

    [Theory]
    [InlineData("a connection", ": <>/dev/tcp/127.0.0.1/{0}", "Operation not permitted")]
    [InlineData("a datagram", "echo >/dev/udp/127.0.0.1/{0}", "Operation not permitted")]
    [InlineData("a file in the root folder", ": >/outside", "Read-only file system", "Permission denied")]
    [InlineData("a file among the programs", ": >/usr/outside", "Read-only file system", "Permission denied")]
    [InlineData("a file beyond the limit", "exec head -c 300000000 /dev/zero >large", "exit 153")]
    [InlineData("a temporary file beyond the limit", "exec head -c 30000000 /dev/zero >/tmp/large", "No space left on device", "Permission denied")]
    [InlineData("a process", "(:)", "fork: Operation not permitted")]
    [InlineData("a namespace of its own", "exec unshare --user true", "Operation not permitted")]
    [InlineData("a mount", "exec mount -t tmpfs none /tmp", "must be superuser", "permission denied")]
    [InlineData("another mode of its file", "exec chmod 777 mine", "Operation not permitted")]
    [InlineData("a link", "exec ln -s /etc/passwd link", "Operation not permitted")]
    [InlineData("a second name", "exec ln mine link", "Operation not permitted")]
    [InlineData("a folder", "exec mkdir folder", "Operation not permitted")]
    [InlineData("a session of its own", "exec setsid true", "Operation not permitted")]
    [InlineData("a core dump", "ulimit -c unlimited", "cannot modify limit")]
    [InlineData("memory beyond the limit", "exec dd if=/dev/zero of=/dev/null bs=4500M count=1", "memory exhausted")]
    public async Task It_does_not_get(string what, string command, string reason, string? inLandlock = null)
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        foreach (var (kind, words) in new[] { (SandboxKind.Bubblewrap, reason), (SandboxKind.Landlock, inLandlock ?? reason) })
        {
            await using var rig = await StartAsync(kind);
            await using var scratch = rig.ScratchRoom.Open();
            await File.WriteAllTextAsync(scratch.File("mine"), "", Cancel);
            var (exit, _, errors) = await InsideAsync(rig, scratch.Folder, command.Replace("{0}", PortOf(listener), StringComparison.Ordinal));
            Assert.True(exit != 0 && $"{errors} exit {exit}".Contains(words, StringComparison.Ordinal), $"{what}, {kind}: {errors} exit {exit}");
        }
        Assert.False(listener.Pending());
    }

    /// <summary>Where they have no namespace of their own.</summary>
    [Theory]
    [InlineData("a signal to another", "kill -CONT $PPID", "Operation not permitted")]
    [InlineData("a signal to its group", "kill -CONT 0", "Operation not permitted")]
    [InlineData("limits of another", "exec prlimit --core --pid $PPID", "Operation not permitted")]
    [InlineData("the environment of another", "read -r line </proc/$PPID/environ", "Permission denied")]
    public async Task A_decoder_in_Landlock_does_not_get(string what, string command, string reason)
    {
        await using var rig = await StartAsync(SandboxKind.Landlock);
        await using var scratch = rig.ScratchRoom.Open();
        var (exit, _, errors) = await InsideAsync(rig, scratch.Folder, command);
        Assert.True(exit != 0 && errors.Contains(reason, StringComparison.Ordinal), $"{what}: {errors} exit {exit}");
    }

    /// <summary>As the kernel says it, of the decoder itself: not of what started it.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public async Task A_decoder_has_no_privileges_a_filter_no_core_dump_and_three_open_files(SandboxKind kind)
    {
        await using var rig = await StartAsync(kind);
        await using var scratch = rig.ScratchRoom.Open();
        using var process = rig.Sandbox.Start("check", scratch.Folder, "-c", "echo here; while :; do :; done");
        try
        {
            // A program that is just being loaded has its libraries open.
            Assert.Equal("here", await process.StandardOutput.ReadLineAsync(Cancel));
            var decoder = ProcessTree.DescendantsOf(process.Id).Single(child => child.Name == "bash");
            var status = await File.ReadAllTextAsync($"/proc/{decoder.Id}/status", Cancel);
            Assert.Matches(@"CapEff:\s+0{16}\n", status);
            Assert.Matches(@"CapPrm:\s+0{16}\n", status);
            Assert.Matches(@"NoNewPrivs:\s+1\n", status);
            Assert.Matches(@"Seccomp:\s+2\n", status);
            Assert.Equal(["0", "1", "2"], Directory.EnumerateFileSystemEntries($"/proc/{decoder.Id}/fd").Select(Path.GetFileName).Order());
            Assert.Matches(@"Max core file size\s+1\s+1\s", await File.ReadAllTextAsync($"/proc/{decoder.Id}/limits", Cancel));
        }
        finally
        {
            Sandbox.Kill(process);
        }
    }

    [Theory]
    [InlineData(SandboxKind.Bubblewrap, "SEGV", 139)]
    [InlineData(SandboxKind.Bubblewrap, "ABRT", 134)]
    [InlineData(SandboxKind.Landlock, "SEGV", 139)]
    [InlineData(SandboxKind.Landlock, "ABRT", 134)]
    public async Task A_decoder_that_crashes_leaves_nothing_of_its_memory(SandboxKind kind, string signal, int exit)
    {
        await using var rig = await StartAsync(kind);
        await using var scratch = rig.ScratchRoom.Open();
        Assert.Equal(exit, (await InsideAsync(rig, scratch.Folder, $"kill -{signal} $$")).Exit);
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch.Folder));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_phone_photo_in_HEIC_is_converted_inside(SandboxKind kind)
    {
        await using var rig = await StartAsync(kind);
        await using var scratch = rig.ScratchRoom.Open();
        var picture = await Tools.MakeAsync("p.png", "-f", "lavfi", "-i", "testsrc=size=640x480", "-frames:v", "1");
        await Tools.RunAsync("heif-enc", picture, "-o", scratch.File("upload-0"));
        using var convert = rig.Sandbox.Start("heif-convert", scratch.Folder, "upload-0", "out.png");
        await Task.WhenAll(convert.StandardOutput.ReadToEndAsync(Cancel), convert.StandardError.ReadToEndAsync(Cancel));
        await convert.WaitForExitAsync(Cancel);
        Assert.Equal(0, convert.ExitCode);
        Assert.Equal("640,480", await Tools.RunAsync("ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", scratch.File("out.png")));
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Ffmpeg_still_works_with_several_threads(SandboxKind kind)
    {
        await using var rig = await StartAsync(kind);
        await using var scratch = rig.ScratchRoom.Open();
        File.Copy(Samples.CompliantVideo, scratch.File("upload-0"));
        Assert.Equal(0, await FfmpegAsync(rig, scratch.Folder, "-threads", "4", "-i", "upload-0", "-t", "1", "-c:v", "libx264", "-threads", "4", "out.mp4"));
        Assert.True(new FileInfo(scratch.File("out.mp4")).Length > 1000);
    }

    [Fact]
    public async Task Renders_do_not_die_because_the_thread_that_started_them_ended()
    {
        var renders = Tier.Rounds(200, 1_000);
        await using var rig = await MediaRig.StartAsync(Cancel);
        await Parallel.ForAsync(0, renders, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel }, async (_, cancel) =>
        {
            await using var scratch = rig.ScratchRoom.Open();
            File.Copy(Samples.PathOf("video-silent.mp4"), scratch.File("upload-0"));
            Task<int>? render = null;
            var thread = new Thread(() => render = RemuxAsync(rig, scratch.Folder));
            thread.Start();
            thread.Join();
            Assert.Equal(0, await render!);
            Assert.True(new FileInfo(scratch.File("out.mp4")).Length > 1000);
        });
    }

    /// <summary>The process that is killed is a real one of ours: see <see cref="A_worker_that_renders_until_it_is_killed"/>.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public async Task Nothing_survives_the_workers_kill_by_five_seconds_and_the_next_start_wipes_its_scratch(SandboxKind kind)
    {
        var mark = $"kill-{Guid.NewGuid():N}";
        var place = Directory.CreateDirectory(Path.Combine("/dev/shm", $"stories-test-{mark}"));
        try
        {
            using var worker = Start(nameof(A_worker_that_renders_until_it_is_killed), mark, place.FullName, await Tools.LongVideoAsync(), $"{kind}");
            List<LiveProcess> family = [];
            try
            {
                // A video under way, and a child that waits for photos.
                while (!Has(family, "ffmpeg") || !Has(family, "dotnet"))
                {
                    Assert.False(worker.HasExited);
                    await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Cancel);
                    family = [.. ProcessTree.DescendantsOf(worker.Id).Where(IsOfTheSandbox)];
                }
                // Like one that hangs in a decoder: it does not see that its pipes have ended.
                await Tools.RunAsync("bash", "-c", $"kill -STOP {family.First(process => process.Name == "dotnet").Id}");
            }
            finally
            {
                worker.Kill();
            }
            await worker.WaitForExitAsync(Cancel);
            await Task.Delay(NothingLeftAfter, TimeProvider.System, Cancel);
            Assert.DoesNotContain(family, process => process.IsAlive);
            Assert.Empty(Marked(mark));

            Assert.Contains(place.EnumerateFiles("*", SearchOption.AllDirectories), file => file.Name == mark);
            using var room = new ScratchRoom(Microsoft.Extensions.Options.Options.Create(new Core.Media.MediaOptions { ScratchFolder = place.FullName }));
            Assert.Equal([room.Folder], place.EnumerateDirectories().Select(folder => folder.FullName));
            Assert.True(room.IsEmpty);
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    /// <summary>Started by the test above, in a process of its own; not to be run otherwise.</summary>
    [Fact(Explicit = true)]
    public async Task A_worker_that_renders_until_it_is_killed()
    {
        var given = Environment.GetEnvironmentVariable("STORIES_TEST_GIVEN")?.Split('|');
        Assert.SkipWhen(given is null, "Only for the test that kills it.");
        await using var rig = await StartAsync(Enum.Parse<SandboxKind>(given![3]), folder: given[1]);
        await rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel);
        while (true) await rig.RenderAsync(given[2], Lane.Video, Cancel, name: given[0]);
    }

    private static Process Start(string method, params string[] given)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet") start.ArgumentList.Add(typeof(SandboxTests).Assembly.Location);
        foreach (var argument in (string[])["-explicit", "only", "-method", $"*{method}"]) start.ArgumentList.Add(argument);
        start.Environment["STORIES_TEST_GIVEN"] = string.Join('|', given);
        var process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task Cancelling_ends_ffmpeg_and_what_it_wrote(SandboxKind kind)
    {
        var mark = $"cancel-{Guid.NewGuid():N}";
        await using var rig = await StartAsync(kind);
        var video = await Tools.LongVideoAsync();
        using var withdrawn = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var render = rig.RenderAsync(video, Lane.Video, withdrawn.Token, mark);
        while (!Marked(mark).Any(process => process.Name == "ffmpeg")) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancel);

        await withdrawn.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => render).WaitAsync(NothingLeftAfter, Cancel);
        Assert.DoesNotContain(Marked(mark), process => process.Name == "ffmpeg");
        Assert.True(rig.ScratchRoom.IsEmpty);
    }

    [Theory]
    [InlineData(SandboxKind.Bubblewrap, "/usr/bin/bwrap", "/usr/bin/no-such-bwrap", "with bubblewrap, nothing can be run")]
    [InlineData(SandboxKind.Bubblewrap, "--ro-bind /usr /usr", "--ro-bind /usr /usr --ro-bind /root /root", "with bubblewrap, a process sees files outside its folder")]
    [InlineData(SandboxKind.Bubblewrap, "env -i ", "", "with bubblewrap, a process sees our environment")]
    [InlineData(SandboxKind.Bubblewrap, "--remount-ro / ", "", "with bubblewrap, a process writes outside its folder")]
    [InlineData(SandboxKind.Bubblewrap, "--remount-ro /dev", "", "with bubblewrap, a process writes outside its folder")]
    [InlineData(SandboxKind.Bubblewrap, "--unshare-all", "--unshare-all --share-net", "with bubblewrap, a process has a network")]
    [InlineData(SandboxKind.Bubblewrap, "--seccomp 4", "", "with bubblewrap, a process has a network")]
    [InlineData(SandboxKind.Bubblewrap, "prlimit --core=1:1", "prlimit --core=unlimited", "with bubblewrap, a process leaves core dumps")]
    [InlineData(SandboxKind.Bubblewrap, "4<", "5<\"$folder/settings\" 4<", "with bubblewrap, a process holds open files of ours")]
    [InlineData(SandboxKind.Bubblewrap, "ulimit -f", "true", "with bubblewrap, a process writes files without end")]
    [InlineData(SandboxKind.Bubblewrap, "program=$ffmpeg_folder/$tool", "program=/usr/bin/no-such-tool", "with bubblewrap, ffmpeg cannot be run")]
    [InlineData(SandboxKind.Bubblewrap, "program=$ffmpeg_folder/$tool", "program=/usr/bin/true", "with bubblewrap, ffmpeg has no --enable-libx264")]
    [InlineData(SandboxKind.Bubblewrap, "program=/usr/bin/heif-convert", "program=/usr/bin/no-such-tool", "with bubblewrap, heif-convert cannot be run")]
    [InlineData(SandboxKind.Bubblewrap, "ulimit -f \"$file_blocks\"", "ulimit -f 10", "there is no room in scratch for what a process may write")]
    [InlineData(SandboxKind.Landlock, "program=/usr/bin/heif-convert", "program=/usr/bin/no-such-tool", "with Landlock, heif-convert cannot be run")]
    [InlineData(SandboxKind.Landlock, "dll\" confine", "dll\" unconfined-", "with Landlock, nothing can be run")]
    [InlineData(SandboxKind.Landlock, "--read /usr", "--read /usr --read /root", "with Landlock, a process sees files outside its folder")]
    [InlineData(SandboxKind.Landlock, "--read /usr", "--read /usr --setenv STORIES_OUTSIDE 1", "with Landlock, a process sees our environment")]
    [InlineData(SandboxKind.Landlock, "--read /usr", "--read /usr --write /usr", "with Landlock, a process writes outside its folder")]
    [InlineData(SandboxKind.Landlock, "prlimit --core=1:1", "prlimit --core=unlimited", "with Landlock, a process leaves core dumps")]
    [InlineData(SandboxKind.Landlock, "ulimit -f", "true", "with Landlock, a process writes files without end")]
    public async Task With_a_hole_in_the_wall_no_media_is_touched_and_the_reason_is_known(SandboxKind kind, string wall, string hole, string fault)
    {
        await using var rig = await StartAsync(kind, sandbox => Break(sandbox, wall, hole));
        Assert.Equal(fault, rig.State.Fault);
        await Assert.ThrowsAsync<SandboxFaultException>(() => rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel));
        await Assert.ThrowsAsync<SandboxFaultException>(() => rig.RenderAsync(Samples.CompliantVideo, Lane.Video, Cancel));
    }

    [Theory]
    [InlineData(SandboxKind.Bubblewrap, "fork vfork clone", "", "with bubblewrap, a process starts others")]
    [InlineData(SandboxKind.Bubblewrap, "unshare", " --disable-userns", "with bubblewrap, a process makes namespaces")]
    [InlineData(SandboxKind.Bubblewrap, "socket connect", "", "with bubblewrap, a process has a network")]
    [InlineData(SandboxKind.Landlock, "fork vfork clone", "", "with Landlock, a process starts others")]
    [InlineData(SandboxKind.Landlock, "unshare", "", "with Landlock, a process makes namespaces")]
    [InlineData(SandboxKind.Landlock, "socket connect", "", "with Landlock, a process has a network")]
    public async Task A_call_that_the_filter_lets_through_is_noticed(SandboxKind kind, string calls, string secondWall, string fault)
    {
        await using var rig = await StartAsync(kind, sandbox =>
        {
            if (secondWall.Length > 0) Break(sandbox, secondWall, "");
            var left = SyscallFilter.Refusals.Where(refusal => !calls.Split(' ').Contains(refusal.Name));
            File.WriteAllBytes(Path.Combine(sandbox.Folder, "filter"), SyscallFilter.Program(RuntimeInformation.ProcessArchitecture, left));
        });
        Assert.Equal(fault, rig.State.Fault);
    }

    [Fact]
    public async Task Where_bubblewrap_cannot_run_media_is_processed_in_Landlock_and_the_health_page_says_so()
    {
        await using var rig = await StartAsync(SandboxKind.Auto, sandbox => Break(sandbox, "/usr/bin/bwrap", "/usr/bin/no-such-bwrap"));
        Assert.Equal((null, SandboxKind.Landlock), (rig.State.Fault, rig.State.Kind));
        Assert.NotEmpty((await rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel)).All);
        Assert.NotEmpty((await rig.RenderAsync(Samples.PhoneVideo, Lane.Video, Cancel)).All);
        var health = await new SandboxHealth(rig.State).CheckHealthAsync(new HealthCheckContext(), Cancel);
        Assert.Equal((HealthStatus.Healthy, "Media is processed in Landlock, which hides less than bubblewrap."), (health.Status, health.Description));
    }

    [Fact]
    public async Task Where_bubblewrap_runs_Landlock_is_not_asked()
    {
        await using var rig = await StartAsync(SandboxKind.Auto, sandbox => Break(sandbox, "dll\" confine", "dll\" unconfined"));
        Assert.Equal((null, SandboxKind.Bubblewrap), (rig.State.Fault, rig.State.Kind));
    }

    [Fact]
    public async Task Where_neither_stands_the_health_page_is_red_and_says_what_is_wrong_with_each()
    {
        await using var rig = await StartAsync(SandboxKind.Auto, sandbox =>
        {
            Break(sandbox, "/usr/bin/bwrap", "/usr/bin/no-such-bwrap");
            Break(sandbox, "--read /usr", "--read /usr --read /root");
        });
        var health = await new SandboxHealth(rig.State).CheckHealthAsync(new HealthCheckContext(), Cancel);
        Assert.Equal(
            (HealthStatus.Unhealthy, "Media is not processed: with bubblewrap, nothing can be run; with Landlock, a process sees files outside its folder."),
            (health.Status, health.Description));
        await Assert.ThrowsAsync<SandboxFaultException>(() => rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel));
    }

    /// <summary>Such a kernel does not know the call, and neither does this one under a filter.</summary>
    [Fact]
    public async Task On_a_kernel_without_Landlock_nothing_is_run_and_the_reason_is_said()
    {
        await using var rig = await StartAsync(SandboxKind.Bubblewrap);
        await using var scratch = rig.ScratchRoom.Open();
        await File.WriteAllBytesAsync(scratch.File("filter"), SyscallFilter.Program(RuntimeInformation.ProcessArchitecture, [new("landlock_create_ruleset", 444, 444, Answer: SyscallFilter.NotThere)]), Cancel);
        using var process = Process.Start(new ProcessStartInfo("/bin/sh",
            ["-c", "exec bwrap --dev-bind / / --seccomp 4 dotnet \"$1\" confine --seccomp \"$2\" /bin/echo ran 4<\"$2\"", "sh", typeof(Sandbox).Assembly.Location, scratch.File("filter")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync(Cancel);
        Assert.Equal("", await process.StandardOutput.ReadToEndAsync(Cancel));
        await process.WaitForExitAsync(Cancel);
        Assert.Equal((71, "This kernel has no Landlock.\n"), (process.ExitCode, await errors));
    }

    /// <summary>Else a worker whose walls fall while it runs would reject every story as damaged.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public async Task A_sandbox_that_falls_later_is_our_fault_and_not_the_files(SandboxKind kind)
    {
        await using var rig = await StartAsync(kind);
        File.WriteAllText(Path.Combine(rig.Sandbox.Folder, "settings"), "");
        await Assert.ThrowsAsync<SandboxFaultException>(() => rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel));
        await Assert.ThrowsAsync<SandboxFaultException>(() => rig.RenderAsync(Samples.CompliantVideo, Lane.Video, Cancel));
    }

    /// <summary>As while the system's packages are brought up to date.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public async Task A_decoder_that_goes_later_is_our_fault_and_not_the_files(SandboxKind kind)
    {
        await using var rig = await StartAsync(kind);
        Break(rig.Sandbox, "program=/usr/bin/heif-convert", "program=/usr/bin/no-such-tool");
        Break(rig.Sandbox, "program=$ffmpeg_folder/$tool", "program=/usr/bin/no-such-tool");
        await Assert.ThrowsAsync<SandboxFaultException>(() => rig.RenderAsync(Samples.PathOf("photo.heic"), Lane.Photo, Cancel));
        await Assert.ThrowsAsync<SandboxFaultException>(() => rig.RenderAsync(Samples.CompliantVideo, Lane.Video, Cancel));
    }

    [Fact]
    public async Task Scratch_that_is_full_is_our_fault_and_not_the_files()
    {
        var place = Directory.CreateTempSubdirectory("stories-small-").FullName;
        Assert.SkipUnless(await MountAsync("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place), "Only root may make a file system.");
        try
        {
            await using var rig = await MediaRig.StartAsync(Cancel, options => (options.Sandbox, options.OutputBytes) = (SandboxKind.Bubblewrap, 1 << 20), folder: Path.Combine(place, "scratch"));
            Assert.Null(rig.State.Fault);
            await rig.State.ThrowIfFallenAsync("ffmpeg", Cancel);
            await File.WriteAllBytesAsync(Path.Combine(place, "filling"), new byte[(7 << 20) / 2], Cancel);
            var fault = await Assert.ThrowsAsync<SandboxFaultException>(() => rig.State.ThrowIfFallenAsync("ffmpeg", Cancel));
            Assert.Contains("there is no room in scratch", fault.Message, StringComparison.Ordinal);
        }
        finally
        {
            await MountAsync("umount", place);
            Directory.Delete(place);
        }
    }

    [Fact]
    public async Task Where_nothing_may_be_run_from_the_folder_for_temporary_files_the_reason_is_said()
    {
        await using var rig = await StartAsync(SandboxKind.Bubblewrap, sandbox => File.SetUnixFileMode(Path.Combine(sandbox.Folder, "sandbox"), UnixFileMode.UserRead));
        Assert.StartsWith("nothing can be run from ", rig.State.Fault, StringComparison.Ordinal);
    }

    private static async Task<bool> MountAsync(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
        await process.WaitForExitAsync(Cancel);
        return process.ExitCode == 0;
    }

    private static Task<MediaRig> StartAsync(SandboxKind kind, Action<Sandbox>? spoil = null, string? folder = null) =>
        MediaRig.StartAsync(Cancel, options => options.Sandbox = kind, spoil, folder);

    private static async Task<(int Exit, string Output, string Errors)> InsideAsync(MediaRig rig, string folder, string script)
    {
        using var process = rig.Sandbox.Start("check", folder, "-c", script);
        var errors = process.StandardError.ReadToEndAsync(Cancel);
        var output = await process.StandardOutput.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        return (process.ExitCode, output, await errors);
    }

    private static Task<int> RemuxAsync(MediaRig rig, string folder) => FfmpegAsync(rig, folder, "-f", "mov", "-i", "upload-0", "-c", "copy", "out.mp4");

    private static async Task<int> FfmpegAsync(MediaRig rig, string folder, params string[] arguments)
    {
        using var process = rig.Sandbox.Start("ffmpeg", folder, ["-nostdin", "-v", "fatal", .. arguments]);
        await process.StandardError.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        return process.ExitCode;
    }

    internal static void Break(Sandbox sandbox, string wall, string hole) => Break(sandbox.Folder, wall, hole);

    /// <param name="folder">The sandbox's.</param>
    internal static void Break(string folder, string wall, string hole)
    {
        var launcher = Path.Combine(folder, "sandbox");
        var script = File.ReadAllText(launcher);
        Assert.Contains(wall, script);
        File.Delete(launcher);
        File.WriteAllText(launcher, script.Replace(wall, hole, StringComparison.Ordinal));
        File.SetUnixFileMode(launcher, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    private static string PortOf(System.Net.Sockets.TcpListener listener) => ((System.Net.IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);

    private static bool Has(IEnumerable<LiveProcess> family, string name) => family.Any(process => process.Name == name);

    /// <summary>The worker of this test starts servers for tests too, which see to themselves.</summary>
    private static bool IsOfTheSandbox(LiveProcess process) => process.Name is "ffmpeg" or "ffprobe" or "bwrap" or "flock" or "head" or "dotnet";

    private static IEnumerable<LiveProcess> Marked(string mark)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id)) continue;
            var line = "";
            try
            {
                line = File.ReadAllText(Path.Combine(folder, "cmdline"));
            }
            catch (IOException)
            {
                // It ended while we looked.
            }
            if (line.Contains(mark, StringComparison.Ordinal) && ProcessTree.Find(id) is { } process) yield return process;
        }
    }
}
