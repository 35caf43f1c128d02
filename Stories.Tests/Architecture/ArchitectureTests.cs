using Stories.Core.Jobs;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Architecture;

/// <summary>
/// Who may know whom (docs/architecture.md). Each promise has a twin below it in which the same rule is broken on purpose:
/// it shows that the rule sees what it is meant to see.
/// </summary>
public sealed class ArchitectureTests
{
    public static TheoryData<string> Projects => [.. Rules.Projects.Keys];

    [Theory, MemberData(nameof(Projects))]
    public void No_folder_of_a_project_is_part_of_a_circle(string project) => Holds(Rules.FolderCircles(House.Product, project));

    [Fact]
    public void A_folder_circle_is_found() => Finds(
        Rules.FolderCircles(House.Twin, "Core"),
        "Core.Media and .*Core.Posting", "Core.Data and .*Core.Data.Deep", "Core.Erasure and .*Core.Viewing");

    [Fact]
    public void Slices_of_the_Api_do_not_know_each_other() =>
        Holds(Rules.SlicesThatKnowEachOther(House.Product, "Api", Rules.ApiSlices, []));

    [Fact]
    public void Slices_of_the_Worker_do_not_know_each_other() =>
        Holds(Rules.SlicesThatKnowEachOther(House.Product, "Worker", Rules.WorkerSlices, Rules.WorkerFloors));

    [Fact]
    public void A_slice_that_knows_another_is_found()
    {
        Finds(Rules.SlicesThatKnowEachOther(House.Twin, "Api", Rules.ApiSlices, []), "Api.Posting.KnowsAnotherSlice knows .*Api.Viewing");
        Finds(Rules.SlicesThatKnowEachOther(House.Twin, "Worker", Rules.WorkerSlices, Rules.WorkerFloors), "Worker.Erasure.KnowsAnotherSlice knows .*Worker.Media");
    }

    [Fact]
    public void Api_and_Worker_do_not_know_each_other_and_the_Client_knows_Age_and_Protocol_only() =>
        Holds(Rules.ProjectsThatKnowTooMuch(House.Product));

    [Fact]
    public void A_project_that_knows_too_much_is_found() => Finds(
        Rules.ProjectsThatKnowTooMuch(House.Twin),
        "Api.Uploads.KnowsTheWorker knows .*Worker.Media", "Worker.Keys.KnowsTheApi knows .*Api.Viewing", "Client.KnowsCore knows .*Core.Apps", "Protocol.KnowsCore knows .*Core.Apps");

    [Fact]
    public void Nouns_touch_no_infrastructure() => Holds(Rules.NounsThatTouchInfrastructure(House.Product));

    [Fact]
    public void A_noun_that_touches_infrastructure_is_found() => Finds(
        Rules.NounsThatTouchInfrastructure(House.Twin),
        "Apps.KnowsTheDatabase knows Microsoft.EntityFrameworkCore", "Uploads.KnowsStorage knows Azure", "Keys.KnowsHangfire knows Hangfire",
        "Audiences.KnowsTheWeb knows Microsoft.AspNetCore", "Apps.KnowsData knows .*Core.Data", "Uploads.KnowsBlobs knows .*Core.Blobs");

    [Fact]
    public void Only_Core_Blobs_knows_Azure_Storage() => Holds(Rules.OnlyIn(House.Product, "Azure.Storage", "Core.Blobs"));

    [Fact]
    public void Only_the_worker_s_media_rooms_know_NetVips_and_FFMpegCore()
    {
        Holds(Rules.OnlyIn(House.Product, "NetVips", "Worker.Media", "Worker.Rendering"));
        Holds(Rules.OnlyIn(House.Product, "FFMpegCore", "Worker.Media", "Worker.Rendering"));
    }

    [Fact]
    public void A_package_in_the_wrong_room_is_found()
    {
        Finds(Rules.OnlyIn(House.Twin, "Azure.Storage", "Core.Blobs"), "Api.Viewing.KnowsStorage knows Azure.Storage.Blobs.BlobClient", "Core.Uploads.KnowsStorage knows Azure.Storage");
        Finds(Rules.OnlyIn(House.Twin, "NetVips", "Worker.Media", "Worker.Rendering"), "Worker.Keys.Renders knows NetVips.Image");
        Finds(Rules.OnlyIn(House.Twin, "FFMpegCore", "Worker.Media", "Worker.Rendering"), "Worker.Keys.Renders knows FFMpegCore");
    }

    [Fact]
    public void Nothing_in_the_Api_reaches_an_age_identity_or_decryption() => Holds(Rules.DecryptionWithinReachOfTheApi(House.Product));

    [Fact]
    public void Decryption_within_reach_of_the_Api_is_found() => Finds(
        Rules.DecryptionWithinReachOfTheApi(House.Twin),
        "Api.Posting.HoldsAnIdentity knows .*AgeIdentity", "Api.Posting.HoldsIdentitiesInAList knows .*AgeIdentity", "Api.Posting.DecryptsLater knows .*AgeFile.DecryptAsync",
        "Api.Posting.DecryptsInALambda knows .*AgeFile.Decrypt", "Api.Posting.HandsDecryptionOn knows .*AgeFile.DecryptAsync", "Core.Posting.ReadsAStream knows .*AgeDecryptStream");

    [Fact]
    public void Every_job_address_carries_its_own_queue_and_retries() =>
        Holds(Rules.JobsWithoutQueueOrRetry(typeof(Queues).Assembly, typeof(Queues).Namespace!));

    [Fact]
    public void A_job_address_without_queue_or_retries_is_found() => Finds(
        Rules.JobsWithoutQueueOrRetry(typeof(House).Assembly, House.Twin.Room("Core.Jobs")),
        "IHasNoQueue.RunAsync names no queue", "IHasNoRetry.RunAsync does not say", "IInherits inherits");

    [Theory]
    [InlineData("Age", "Microsoft.EntityFrameworkCore Npgsql Azure Hangfire Microsoft.AspNetCore NetVips FFMpegCore Microsoft.Extensions")]
    [InlineData("Protocol", "Microsoft.EntityFrameworkCore Npgsql Azure Hangfire Microsoft.AspNetCore NetVips FFMpegCore Microsoft.Extensions")]
    [InlineData("Client", "Microsoft.EntityFrameworkCore Npgsql Azure Hangfire Microsoft.AspNetCore NetVips FFMpegCore")]
    [InlineData("Core", "NetVips FFMpegCore Scalar")]
    [InlineData("Api", "NetVips FFMpegCore")]
    [InlineData("Worker", "Scalar Microsoft.AspNetCore.Authentication.JwtBearer Microsoft.AspNetCore.OpenApi Hangfire.AspNetCore")]
    public void A_project_restores_no_package_that_it_must_not_have(string project, string forbidden) =>
        Holds(Rules.ForbiddenPackages(LockFile(project), AnyOf(forbidden)));

    [Fact]
    public void A_forbidden_package_is_found_even_when_another_package_brought_it() =>
        Finds(Rules.ForbiddenPackages(LockFile("Worker"), AnyOf("NetVips FFMpegCore Azure.Core")), "^NetVips$", "^NetVips.Native$", "^FFMpegCore$", "^Azure.Core$");

    [Fact]
    public void Every_room_that_a_rule_speaks_of_has_somebody_in_it()
    {
        // A rule about a folder that has been renamed would hold for ever.
        string[] rooms =
        [
            .. Rules.Nouns.Select(noun => $"Core.{noun}"), .. Rules.ApiSlices.Select(slice => $"Api.{slice}"), .. Rules.WorkerSlices.Select(slice => $"Worker.{slice}"),
            "Core.Data", "Core.Blobs", "Core.Jobs", "Api.Hosting", "Worker.Hosting", "Age", "Protocol", "Client",
        ];
        Assert.All(rooms, room => Assert.Contains(House.Product.Rooms, lived => House.IsIn(lived, House.Product.Room(room))));
        Assert.All(["Azure.Storage.Blobs", "NetVips", "FFMpegCore", "Hangfire", "Microsoft.EntityFrameworkCore", "Stories.Age"],
            package => Assert.Contains(House.Product.Known, k => k.ToRoom == package));
    }

    [Fact]
    public void Every_folder_of_the_hosts_is_spoken_of()
    {
        // A new slice must come under the rules by itself; Hosting composes the others.
        Assert.Equal([.. Rules.ApiSlices, "Hosting"], Folders("Api"));
        Assert.Equal([.. Rules.WorkerSlices, "Hosting"], Folders("Worker"));
    }

    private static HashSet<string> Folders(string project) =>
        [.. House.Product.Rooms.Where(room => room.StartsWith(House.Product.Room(project) + ".", StringComparison.Ordinal)).Select(room => room.Split('.')[2])];

    private static string LockFile(string project) => File.ReadAllText(Repository.Path($"Stories.{project}", "packages.lock.json"));

    private static Func<string, bool> AnyOf(string names) =>
        package => names.Split(' ').Any(name => House.IsIn(package.ToLowerInvariant(), name.ToLowerInvariant()));

    private static void Holds(IEnumerable<string> violations)
    {
        var found = violations.Distinct().Order().ToList();
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    private static void Finds(IEnumerable<string> violations, params string[] expected)
    {
        var found = violations.ToList();
        Assert.All(expected, pattern => Assert.Contains(found, violation => System.Text.RegularExpressions.Regex.IsMatch(violation, pattern)));
    }
}
