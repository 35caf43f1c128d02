using System.Net.Sockets;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Stories.Client;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Tests.Processing;

namespace Stories.Tests.Uploads;

/// <summary>An upload that becomes no story leaves nothing: no row, no blob, no block that was never committed, and the quota is back.</summary>
public sealed class AbandonedUploadTests(LocalServers servers) : IAsyncLifetime
{
    private Service service = null!;
    private HttpClient alice = null!;
    private Guid key;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        service = await Service.StartAsync(servers, new() { ["Uploads:BlockBytes"] = "65536", ["Uploads:OpenPerUser"] = "1", ["Uploads:BytesPerUserPerDay"] = "200000" });
        alice = service.Http("alice");
        key = (await Tus.KeyAsync(service)).Id;
    }

    public async ValueTask DisposeAsync()
    {
        alice.Dispose();
        await service.DisposeAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(70_000)]
    [InlineData(200_000)]
    public async Task An_upload_that_is_given_up_leaves_nothing_and_gives_its_quota_back(int sent)
    {
        for (var round = 0; round < 2; round++)
        {
            var location = await Tus.BeginAsync(alice, key, 200_000);
            if (sent > 0)
                using (var answer = await Tus.PatchAsync(alice, location, 0, new byte[sent])) Assert.True(answer.IsSuccessStatusCode);
            Assert.Equal(sent > 0, (await Remains.IngestAsync(service)).Count > 0);

            using var end = await alice.SendAsync(Tus.Request(HttpMethod.Delete, location), Cancel);

            Assert.Equal(System.Net.HttpStatusCode.NoContent, end.StatusCode);
            await AssertNothingIsLeftAsync();
        }
    }

    [Fact]
    public async Task An_upload_that_is_forgotten_leaves_nothing_after_a_day_and_gives_its_quota_back()
    {
        for (var round = 0; round < 2; round++)
        {
            using (await Tus.PatchAsync(alice, await Tus.BeginAsync(alice, key, 200_000), 0, new byte[70_000])) { }
            service.Clock.Advance(TimeSpan.FromHours(24));
            await service.SweepAsync();
            await AssertNothingIsLeftAsync();
            key = (await Tus.KeyAsync(service)).Id;
        }
    }

    [Theory]
    [InlineData("given up")]
    [InlineData("erased with its owner")]
    public async Task What_is_still_coming_in_when_an_upload_ends_is_taken_back_from_storage(string end)
    {
        var location = await Tus.BeginAsync(alice, key, 200_000);
        using var sending = new TcpClient();
        await sending.ConnectAsync(System.Net.IPAddress.Loopback, service.Address.Port, Cancel);
        var stream = sending.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"PATCH /{location} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.Token("alice")}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n" +
            $"Content-Type: application/offset+octet-stream\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n"), Cancel);
        await stream.WriteAsync(new byte[100_000], Cancel);
        // The first block is staged and named, the second is on its way.
        await service.UntilAsync(db => db.UploadBlocks.AnyAsync(Cancel));

        if (end == "given up") (await alice.SendAsync(Tus.Request(HttpMethod.Delete, location), Cancel)).Dispose();
        else
        {
            using var client = new StoriesClient(service.Address, service.Token("alice"));
            await client.EraseUserAsync(new UserName(Service.ChatApp, "alice"), Cancel);
        }
        await stream.WriteAsync(new byte[100_000], Cancel);
        using var answer = new StreamReader(stream);
        Assert.Contains(ProblemCodes.UploadExpired, await answer.ReadToEndAsync(Cancel), StringComparison.Ordinal);

        await AssertNothingIsLeftAsync();
    }

    private async Task AssertNothingIsLeftAsync()
    {
        Assert.Empty(await Remains.IngestAsync(service));
        Assert.Equal((0, 0), (await service.ReadAsync(db => db.Uploads.CountAsync(Cancel)), await service.ReadAsync(db => db.UploadBlocks.CountAsync(Cancel))));
    }
}
