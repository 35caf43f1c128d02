using Stories.Tests.Fixtures;

namespace Stories.Tests.Hosting;

/// <summary>What <c>./stories</c> starts it ends, whenever it is asked to.</summary>
public sealed class ScriptTests
{
    private const int Ended = 143;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Down_ends_an_up_that_still_builds_and_its_build()
    {
        await using var clone = new ScriptClone(isBuilt: false);
        var up = clone.Start(["up"]);
        var build = await clone.UntilAtAsync("building", Cancel);

        var (_, said) = await clone.RunAsync(Cancel, "down");

        Assert.Contains("Ended.", said, StringComparison.Ordinal);
        Assert.False(build.IsAlive);
        Assert.Equal(Ended, (await up.WaitForEndAsync(Cancel)).ExitCode);
    }

    [Fact]
    public async Task A_second_up_is_refused_while_the_first_still_builds()
    {
        await using var clone = new ScriptClone(isBuilt: false);
        clone.Start(["up"]);
        var build = await clone.UntilAtAsync("building", Cancel);

        var (code, said) = await clone.RunAsync(Cancel, "up");

        Assert.Equal(1, code);
        Assert.Contains("another ./stories up", said, StringComparison.Ordinal);
        Assert.True(build.IsAlive);
    }

    [Fact]
    public async Task Reset_ends_a_build_before_it_deletes()
    {
        await using var clone = new ScriptClone(isBuilt: false);
        var up = clone.Start(["up"]);
        var build = await clone.UntilAtAsync("building", Cancel);

        var (code, _) = await clone.RunAsync(Cancel, "reset");

        Assert.Equal((0, false, false), (code, build.IsAlive, Directory.Exists(clone.Local)));
        Assert.Equal(Ended, (await up.WaitForEndAsync(Cancel)).ExitCode);
    }

    [Fact]
    public async Task Down_ends_an_up_in_the_middle_of_its_demo_and_the_demo()
    {
        await using var clone = new ScriptClone(isBuilt: true);
        var up = clone.Start(["up"]);
        var demo = await clone.UntilAtAsync("showing", Cancel);

        var (_, said) = await clone.RunAsync(Cancel, "down");

        Assert.Contains("Ended.", said, StringComparison.Ordinal);
        Assert.DoesNotContain("killing", said, StringComparison.Ordinal);
        Assert.False(demo.IsAlive);
        Assert.Equal(Ended, (await up.WaitForEndAsync(Cancel)).ExitCode);
        Assert.Equal(3, (await clone.RunAsync(Cancel, "status")).ExitCode);
    }

    [Fact]
    public async Task A_service_in_the_background_is_found_by_another_up_and_ended_and_deleted_by_reset()
    {
        await using var clone = new ScriptClone(isBuilt: true);
        var (code, said) = await clone.RunAsync(Cancel, "up", "--detach", "--no-demo");
        Assert.True(code == 0, said);
        Assert.Contains("Already running.", (await clone.RunAsync(Cancel, "up", "--detach")).Output, StringComparison.Ordinal);

        (code, said) = await clone.RunAsync(Cancel, "reset");

        Assert.True(code == 0, said);
        Assert.False(Directory.Exists(clone.Local));
        Assert.Contains("Nothing runs.", (await clone.RunAsync(Cancel, "down")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("app", "add", "chat", "--keys", "keys.json")]
    [InlineData("simulate", "ads", "plots")]
    [InlineData("bench", "age", "photo.jpg")]
    public async Task Files_are_looked_for_where_the_caller_stands(params string[] task)
    {
        await using var clone = new ScriptClone(isBuilt: true);
        var caller = Directory.CreateTempSubdirectory("stories-caller-");

        var (_, said) = await clone.Start(task, from: caller.FullName, ("ConnectionStrings__Stories", "Host=nowhere")).WaitForEndAsync(Cancel);

        Assert.Contains($"{caller.FullName}: ", said, StringComparison.Ordinal);
        Assert.EndsWith($".dll {string.Join(' ', task[0] == "bench" ? task[1..] : task)}\n", said, StringComparison.Ordinal);
        caller.Delete();
    }
}
