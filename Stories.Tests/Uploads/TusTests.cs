using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Api.Uploads;
using Stories.Core.Blobs;
using Stories.Core.Uploads;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Uploads;

/// <summary>tus 1.0, rule by rule, over real HTTP, PostgreSQL and Azurite.</summary>
public sealed class TusTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private HttpClient alice = null!;
    private Guid key;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers, new() { ["Uploads:BlockBytes"] = "65536", ["Uploads:MaxParts"] = "20", ["Uploads:OpenPerUser"] = "6", ["Uploads:MaxBytes"] = "2000000" });
        alice = service.Http("alice");
        key = (await Tus.KeyAsync(service)).Id;
    }

    public async ValueTask DisposeAsync()
    {
        alice.Dispose();
        await service.DisposeAsync();
    }

    [Fact]
    public async Task Anybody_may_ask_what_the_server_can_do()
    {
        using var http = new HttpClient { BaseAddress = service.Address };
        using var answer = await http.SendAsync(new HttpRequestMessage(HttpMethod.Options, "v1/uploads"), Cancel);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal("1.0.0", answer.Headers.GetValues("Tus-Version").Single());
        Assert.Equal("creation,creation-with-upload,expiration,checksum,termination", answer.Headers.GetValues("Tus-Extension").Single());
        Assert.Equal("sha256,sha1", answer.Headers.GetValues("Tus-Checksum-Algorithm").Single());
        Assert.Equal("2000000", answer.Headers.GetValues("Tus-Max-Size").Single());
    }

    [Fact]
    public async Task A_creation_answers_with_a_relative_location_an_end_and_nothing_received_whatever_host_is_claimed()
    {
        using var request = Tus.Request(HttpMethod.Post, "v1/uploads", null, ("Upload-Length", "10"), ("Upload-Metadata", Tus.Metadata(key)), ("X-Forwarded-Host", "evil.test"));
        request.Headers.Host = "evil.test";
        using var answer = await alice.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.StartsWith("/v1/uploads/", answer.Headers.Location!.OriginalString);
        Assert.True(answer.Headers.Contains("Upload-Expires"));
        Assert.Equal(0, await Tus.OffsetAsync(alice, answer.Headers.Location.OriginalString.TrimStart('/')));
    }

    public static TheoryData<string, string, string, string> BadCreations => new()
    {
        { "Tus-Resumable", "0.9", ProblemCodes.TusVersion, "412" },
        { "Upload-Length", "", ProblemCodes.UploadInvalid, "400" },
        { "Upload-Length", "-1", ProblemCodes.UploadInvalid, "400" },
        { "Upload-Length", "0", ProblemCodes.UploadInvalid, "400" },
        { "Upload-Length", "99999999999999999999", ProblemCodes.UploadInvalid, "400" },
        { "Upload-Length", "2000001", ProblemCodes.UploadTooLarge, "413" },
        { "Upload-Metadata", "", ProblemCodes.UploadInvalid, "400" },
        { "Upload-Metadata", "lane cGhvdG8=", ProblemCodes.UploadInvalid, "400" },
        { "Upload-Metadata", "lane cGhvdG8=,lane cGhvdG8=,level eA==,key eA==", ProblemCodes.UploadInvalid, "400" },
        { "Upload-Metadata", "lane !!,level eA==,key eA==", ProblemCodes.UploadInvalid, "400" },
        { "Upload-Checksum", "md5 AAAA", ProblemCodes.UploadChecksumUnsupported, "400" },
        { "Upload-Checksum", "sha256 AAAA", ProblemCodes.UploadChecksumUnsupported, "400" },
    };

    [Theory]
    [MemberData(nameof(BadCreations))]
    public async Task A_creation_that_breaks_a_rule_is_refused_by_its_code_and_leaves_nothing(string header, string value, string code, string status)
    {
        var headers = new Dictionary<string, string> { ["Upload-Length"] = "10", ["Upload-Metadata"] = Tus.Metadata(key), [header] = value };
        using var answer = await alice.SendAsync(Tus.Request(HttpMethod.Post, "v1/uploads", null, [.. headers.Select(h => (h.Key, h.Value))]), Cancel);
        Assert.Equal(status, $"{(int)answer.StatusCode}");
        Assert.Equal(code, await Tus.CodeAsync(answer));
        Assert.Equal(0, await service.ReadAsync(db => db.Uploads.CountAsync(Cancel)));
    }

    [Fact]
    public async Task An_unknown_or_outdated_processing_key_and_the_level_end_to_end_are_refused()
    {
        Assert.Equal(ProblemCodes.UploadKeyExpired, await BeginCodeAsync(Tus.Metadata(Guid.NewGuid())));
        Assert.Equal(ProblemCodes.StoryLevelUnsupported, await BeginCodeAsync(Tus.Metadata(key, level: "endToEnd")));
        service.Clock.Advance(TimeSpan.FromHours(7));
        Assert.Equal(ProblemCodes.UploadKeyExpired, await BeginCodeAsync(Tus.Metadata(key)));
    }

    [Fact]
    public async Task Bytes_that_come_in_pieces_are_one_blob_in_their_order()
    {
        var bytes = RandomNumberGenerator.GetBytes(400_000);
        var location = await Tus.BeginAsync(alice, key, bytes.Length);
        foreach (var (from, to) in new[] { (0, 1), (1, 70_000), (70_000, 70_001), (70_001, 333_333), (333_333, 400_000) })
        {
            using var answer = await Tus.PatchAsync(alice, location, from, bytes[from..to]);
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            Assert.Equal($"{to}", answer.Headers.GetValues("Upload-Offset").Single());
            Assert.True(answer.Headers.Contains("Upload-Expires"));
        }
        Assert.Equal(bytes, await BlobAsync(location));
        Assert.Equal(UploadState.Committed, (await RowAsync(location)).State);
    }

    [Fact]
    public async Task A_small_file_may_come_with_its_creation()
    {
        var bytes = RandomNumberGenerator.GetBytes(1000);
        using var answer = await alice.SendAsync(Tus.Request(HttpMethod.Post, "v1/uploads", bytes, ("Upload-Length", "1000"), ("Upload-Metadata", Tus.Metadata(key))), Cancel);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal("1000", answer.Headers.GetValues("Upload-Offset").Single());
        Assert.Equal(bytes, await BlobAsync(answer.Headers.Location!.OriginalString));
    }

    [Fact]
    public async Task A_wrong_offset_changes_nothing()
    {
        var location = await Tus.BeginAsync(alice, key, 100);
        foreach (var (offset, code) in new[] { (1L, ProblemCodes.UploadOffsetConflict), (long.MaxValue, ProblemCodes.UploadOffsetConflict) })
        {
            using var answer = await Tus.PatchAsync(alice, location, offset, new byte[10]);
            Assert.Equal((HttpStatusCode.Conflict, code), (answer.StatusCode, await Tus.CodeAsync(answer)));
        }
        using var negative = await alice.SendAsync(Tus.Request(HttpMethod.Patch, location, new byte[10], ("Upload-Offset", "-1")), Cancel);
        Assert.Equal(ProblemCodes.UploadInvalid, await Tus.CodeAsync(negative));
        using var wrongType = await alice.SendAsync(Tus.Request(HttpMethod.Patch, location, new byte[10], ("Upload-Offset", "0"), ("Content-Type", "text/plain")), Cancel);
        Assert.Equal((HttpStatusCode.UnsupportedMediaType, ProblemCodes.UploadContentType), (wrongType.StatusCode, await Tus.CodeAsync(wrongType)));
        Assert.Equal(0, await Tus.OffsetAsync(alice, location));
    }

    [Fact]
    public async Task More_than_was_announced_is_refused_and_the_offset_never_passes_the_length()
    {
        var location = await Tus.BeginAsync(alice, key, 100);
        using var announced = await Tus.PatchAsync(alice, location, 0, new byte[101]);
        Assert.Equal(ProblemCodes.UploadTooLarge, await Tus.CodeAsync(announced));
        var request = Tus.Request(HttpMethod.Patch, location, new byte[150], ("Upload-Offset", "0"));
        request.Headers.TransferEncodingChunked = true;
        using var chunked = await alice.SendAsync(request, Cancel);
        Assert.Equal(ProblemCodes.UploadTooLarge, await Tus.CodeAsync(chunked));
        Assert.InRange((await Tus.OffsetAsync(alice, location))!.Value, 0, 100);
        // Not a piece of the buffers, however often.
        Assert.Equal(0, service.Api.GetRequiredService<BufferBudget>().HeldBytes);
    }

    [Fact]
    public async Task What_comes_in_vain_again_and_again_ends_the_upload_before_it_fills_storage()
    {
        var location = await Tus.BeginAsync(alice, key, 1000);
        var wrong = ("Upload-Checksum", $"sha256 {Convert.ToBase64String(new byte[32])}");
        for (var i = 0; i < 4; i++)
        {
            using var answer = await Tus.PatchAsync(alice, location, 0, new byte[1000], wrong);
            Assert.Equal(ProblemCodes.UploadChecksumMismatch, await Tus.CodeAsync(answer));
        }
        using var ended = await Tus.PatchAsync(alice, location, 0, new byte[1000], wrong);
        Assert.Equal(ProblemCodes.UploadTooManyParts, await Tus.CodeAsync(ended));
        Assert.Equal(4000, (await RowAsync(location)).WastedBytes);
    }

    [Fact]
    public async Task A_checksum_that_holds_moves_the_offset_and_one_that_does_not_keeps_nothing()
    {
        var bytes = RandomNumberGenerator.GetBytes(200_000);
        var location = await Tus.BeginAsync(alice, key, bytes.Length);
        using var wrong = await Tus.PatchAsync(alice, location, 0, bytes[..150_000], ("Upload-Checksum", $"sha256 {Convert.ToBase64String(SHA256.HashData(bytes))}"));
        Assert.Equal((460, ProblemCodes.UploadChecksumMismatch), ((int)wrong.StatusCode, await Tus.CodeAsync(wrong)));
        Assert.Equal(0, await Tus.OffsetAsync(alice, location));
        using var first = await Tus.PatchAsync(alice, location, 0, bytes[..150_000], ("Upload-Checksum", $"sha256 {Convert.ToBase64String(SHA256.HashData(bytes[..150_000]))}"));
        Assert.Equal(HttpStatusCode.NoContent, first.StatusCode);
        using var rest = await Tus.PatchAsync(alice, location, 150_000, bytes[150_000..], ("Upload-Checksum", $"sha1 {Convert.ToBase64String(SHA1.HashData(bytes[150_000..]))}"));
        Assert.Equal(HttpStatusCode.NoContent, rest.StatusCode);
        Assert.Equal(bytes, await BlobAsync(location));
    }

    [Fact]
    public async Task A_stranger_finds_nothing_by_any_method_also_in_disguise()
    {
        var location = await Tus.BeginAsync(alice, key, 100);
        using var bob = service.Http("bob");
        using var missing = await bob.SendAsync(Tus.Request(HttpMethod.Patch, "v1/uploads/" + Guid.NewGuid(), new byte[1], ("Upload-Offset", "0")), Cancel);
        using var patch = await bob.SendAsync(Tus.Request(HttpMethod.Patch, location, new byte[1], ("Upload-Offset", "0")), Cancel);
        using var head = await bob.SendAsync(Tus.Request(HttpMethod.Head, location), Cancel);
        using var delete = await bob.SendAsync(Tus.Request(HttpMethod.Delete, location), Cancel);
        using var disguised = await bob.SendAsync(Tus.Request(HttpMethod.Post, location, null, ("X-HTTP-Method-Override", "DELETE")), Cancel);
        Assert.All([missing, patch, head, delete, disguised], answer => Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode));
        Assert.Equal(await missing.Content.ReadAsStringAsync(Cancel), await patch.Content.ReadAsStringAsync(Cancel));
        Assert.Equal(0, await Tus.OffsetAsync(alice, location));

        using var nobody = new HttpClient { BaseAddress = service.Address };
        using var unauthenticated = await nobody.SendAsync(Tus.Request(HttpMethod.Post, location, null, ("X-HTTP-Method-Override", "DELETE")), Cancel);
        Assert.Equal((HttpStatusCode.Unauthorized, ProblemCodes.Unauthenticated), (unauthenticated.StatusCode, await Tus.CodeAsync(unauthenticated)));
        using var own = await alice.SendAsync(Tus.Request(HttpMethod.Post, location, null, ("X-HTTP-Method-Override", "DELETE")), Cancel);
        Assert.Equal(HttpStatusCode.NoContent, own.StatusCode);
        Assert.Null(await Tus.OffsetAsync(alice, location));
    }

    [Fact]
    public async Task After_its_time_an_upload_is_gone_and_its_quota_back()
    {
        var location = await Tus.BeginAsync(alice, key, 100);
        using (await Tus.PatchAsync(alice, location, 0, new byte[50])) { }
        service.Clock.Advance(TimeSpan.FromHours(24));
        using var late = await Tus.PatchAsync(alice, location, 50, new byte[50]);
        Assert.Equal((HttpStatusCode.Gone, ProblemCodes.UploadExpired), (late.StatusCode, await Tus.CodeAsync(late)));
        await service.SweepAsync();
        Assert.Equal(0, await service.ReadAsync(db => db.Uploads.CountAsync(Cancel)));
        Assert.Equal(0, await service.ReadAsync(db => db.UploadBlocks.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Open_uploads_have_a_quota_and_a_day_of_bytes_too()
    {
        for (var i = 0; i < 6; i++) await Tus.BeginAsync(alice, key, 10);
        Assert.Equal(ProblemCodes.QuotaUploads, await BeginCodeAsync(Tus.Metadata(key)));
        using var bob = service.Http("bob");
        await Tus.BeginAsync(bob, key, 10);
    }

    [Fact]
    public async Task An_upload_in_too_many_pieces_is_ended()
    {
        var location = await Tus.BeginAsync(alice, key, 1000);
        for (var i = 0; i < 20; i++)
        {
            using var one = await Tus.PatchAsync(alice, location, i, [1]);
            Assert.Equal(HttpStatusCode.NoContent, one.StatusCode);
        }
        using var answer = await Tus.PatchAsync(alice, location, 20, [1]);
        Assert.Equal(ProblemCodes.UploadTooManyParts, await Tus.CodeAsync(answer));
    }

    [Fact]
    public async Task An_empty_piece_stages_no_block()
    {
        var location = await Tus.BeginAsync(alice, key, 10);
        using var answer = await Tus.PatchAsync(alice, location, 0, []);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(0, await service.ReadAsync(db => db.UploadBlocks.CountAsync(Cancel)));
    }

    [Fact]
    public async Task A_newer_request_takes_over_from_one_that_hangs()
    {
        var bytes = RandomNumberGenerator.GetBytes(100_000);
        var location = await Tus.BeginAsync(alice, key, bytes.Length);
        using var hanging = new TcpClient();
        await hanging.ConnectAsync(IPAddress.Loopback, service.Address.Port, Cancel);
        var head = $"PATCH /{location} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.Token("alice")}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n" +
            $"Content-Type: application/offset+octet-stream\r\nContent-Length: {bytes.Length}\r\n\r\n";
        await hanging.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head), Cancel);
        await hanging.GetStream().WriteAsync(new byte[5000], Cancel);
        await WaitAsync(async () => (await RowAsync(location)).Epoch == 1);

        using var answer = await Tus.PatchAsync(alice, location, 0, bytes);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        // Nor does what hangs keep its piece of the buffers until it ends: it is told, while it still sends.
        await WaitAsync(() => Task.FromResult(service.Api.GetRequiredService<BufferBudget>().HeldBytes == 0));
        var told = new byte[4096];
        var refusal = Encoding.UTF8.GetString(told, 0, await hanging.GetStream().ReadAsync(told, Cancel));
        Assert.StartsWith("HTTP/1.1 423", refusal, StringComparison.Ordinal);
        hanging.Close();
        Assert.Equal(bytes, await BlobAsync(location));
    }

    [Fact]
    public async Task What_a_slow_sender_has_sent_is_staged_before_its_block_is_full()
    {
        var location = await Tus.BeginAsync(alice, key, 100_000);
        using var slow = new TcpClient();
        await slow.ConnectAsync(IPAddress.Loopback, service.Address.Port, Cancel);
        await slow.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"PATCH /{location} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.Token("alice")}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n" +
            "Content-Type: application/offset+octet-stream\r\nContent-Length: 100000\r\n\r\n"), Cancel);
        await slow.GetStream().WriteAsync(new byte[5000], Cancel);
        await WaitAsync(() => Task.FromResult(service.Api.GetRequiredService<BufferBudget>().HeldBytes > 0));
        service.Clock.Advance(TimeSpan.FromSeconds(10));
        await slow.GetStream().WriteAsync(new byte[1], Cancel);
        // It still sends.
        await WaitAsync(async () => (await RowAsync(location)).Offset > 0);
    }

    [Fact]
    public async Task Of_two_requests_at_one_offset_one_wins_and_the_bytes_are_its_alone()
    {
        for (var round = 0; round < 5; round++)
        {
            byte[] ones = [.. Enumerable.Repeat((byte)1, 150_000)], twos = [.. Enumerable.Repeat((byte)2, 150_000)];
            var location = await Tus.BeginAsync(alice, key, 150_000);
            var answers = await Task.WhenAll(Tus.PatchAsync(alice, location, 0, ones), Tus.PatchAsync(alice, location, 0, twos));
            Assert.Single(answers, a => a.StatusCode == HttpStatusCode.NoContent);
            Assert.Contains((int)answers.Single(a => a.StatusCode != HttpStatusCode.NoContent).StatusCode, new[] { 409, 423 });
            var blob = await BlobAsync(location);
            Assert.True(blob.SequenceEqual(ones) || blob.SequenceEqual(twos));
            using var end = await alice.SendAsync(Tus.Request(HttpMethod.Delete, location), Cancel);
        }
    }

    [Fact]
    public async Task What_came_before_a_cut_is_kept_and_two_Apis_go_on_from_there()
    {
        var (_, other) = service.StartApi();
        using var second = new HttpClient { BaseAddress = other };
        second.DefaultRequestHeaders.Authorization = alice.DefaultRequestHeaders.Authorization;
        var bytes = RandomNumberGenerator.GetBytes(300_000);
        var location = await Tus.BeginAsync(alice, key, bytes.Length);
        using (var cut = new TcpClient())
        {
            await cut.ConnectAsync(IPAddress.Loopback, service.Address.Port, Cancel);
            await cut.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"PATCH /{location} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.Token("alice")}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n" +
                $"Content-Type: application/offset+octet-stream\r\nContent-Length: {bytes.Length}\r\n\r\n"), Cancel);
            await cut.GetStream().WriteAsync(bytes.AsMemory(0, 123_456), Cancel);
            await WaitAsync(async () => (await RowAsync(location)).Offset >= 65_536);
        }
        await WaitAsync(async () => (await RowAsync(location)).Offset == 123_456);
        using var rest = await Tus.PatchAsync(second, location, 123_456, bytes[123_456..]);
        Assert.Equal(HttpStatusCode.NoContent, rest.StatusCode);
        Assert.Equal(bytes, await BlobAsync(location));
    }

    [Fact]
    public async Task Buffers_stay_within_their_budget_and_are_given_back()
    {
        await using var small = await Service.StartAsync(servers, new() { ["Uploads:BufferBudgetBytes"] = "8388608", ["Uploads:OpenPerUser"] = "1000", ["Uploads:OpenBytesPerUser"] = "100000000000" });
        using var http = small.Http("alice");
        var id = (await Tus.KeyAsync(small)).Id;
        var budget = small.Api.GetRequiredService<BufferBudget>();
        var most = 0L;
        var bytes = RandomNumberGenerator.GetBytes(5_000_000);
        var uploads = Enumerable.Range(0, 12).Select(async _ =>
        {
            var upload = await Tus.UploadAsync(http, id, bytes);
            most = Math.Max(most, budget.HeldBytes);
            return upload;
        });
        await Task.WhenAll(uploads);
        Assert.InRange(most, 0, 8 << 20);
        Assert.Equal(0, budget.HeldBytes);
        Assert.Equal(12, await small.ReadAsync(db => db.Uploads.CountAsync(u => u.State == UploadState.Committed, Cancel)));
    }

    [Fact]
    public async Task Tus_js_client_uploads_is_cut_and_resumes()
    {
        var bytes = RandomNumberGenerator.GetBytes(1_500_000);
        var file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, bytes, Cancel);
        using var node = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("node",
            [Repository.Path("Stories.Tests", "Uploads", "tus-client.mjs"), new Uri(service.Address, "v1/uploads").ToString(), service.Token("alice"), key.ToString(), file])
        { WorkingDirectory = Repository.Root, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = await node.StandardOutput.ReadToEndAsync(Cancel);
        var errors = await node.StandardError.ReadToEndAsync(Cancel);
        await node.WaitForExitAsync(Cancel);
        File.Delete(file);
        Assert.True(node.ExitCode == 0, errors);
        var lines = output.Trim().Split('\n');
        Assert.InRange(long.Parse(lines[0]), 1, bytes.Length - 1);
        Assert.Equal(bytes, await BlobAsync(new Uri(lines[1]).AbsolutePath));
    }

    private async Task<string> BeginCodeAsync(string metadata)
    {
        using var answer = await alice.SendAsync(Tus.Request(HttpMethod.Post, "v1/uploads", null, ("Upload-Length", "10"), ("Upload-Metadata", metadata)), Cancel);
        return await Tus.CodeAsync(answer);
    }

    private Task<Upload> RowAsync(string location)
    {
        var id = Guid.Parse(location.Split('/')[^1]);
        return service.ReadAsync(db => db.Uploads.SingleAsync(u => u.Id == id, Cancel));
    }

    private async Task<byte[]> BlobAsync(string location)
    {
        var row = await RowAsync(location);
        await using var blob = await service.Api.GetRequiredService<IngestBlobs>().OpenReadAsync(row.BlobName, Cancel);
        using var bytes = new MemoryStream();
        await blob!.CopyToAsync(bytes, Cancel);
        return bytes.ToArray();
    }

    private static async Task WaitAsync(Func<Task<bool>> until)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        while (!await until()) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
    }
}
