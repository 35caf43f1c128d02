using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Worker.Keys;

namespace Stories.Tests.Keys;

public sealed class KeyTests(LocalServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_processing_key_comes_every_six_hours_and_each_is_destroyed_after_thirty_three()
    {
        await using var service = await Service.StartAsync(servers);
        for (var hour = 0; hour <= 34; hour += 2)
        {
            await service.SweepAsync();
            var keys = await service.ReadAsync(db => db.ProcessingKeys.ToListAsync(Cancel));
            Assert.True(keys.Max(k => k.MadeAt) > service.Clock.GetUtcNow() - TimeSpan.FromHours(6));
            Assert.All(keys, k => Assert.True(k.MadeAt > service.Clock.GetUtcNow() - TimeSpan.FromHours(33)));
            service.Clock.Advance(TimeSpan.FromHours(2));
        }
        Assert.Equal(5, await service.ReadAsync(db => db.ProcessingKeys.CountAsync(Cancel)));
        Assert.InRange(Directory.GetFiles(service.KeyFolder, "kek-*").Length, 2, 3);
        Assert.All(Directory.GetFiles(service.KeyFolder), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    [Fact]
    public async Task Two_workers_at_once_make_one_key_and_sign_with_one()
    {
        await using var service = await Service.StartAsync(servers, withWorker: false);
        var workers = new[] { service.StartWorker(), service.StartWorker() };
        await Task.WhenAll(workers.Select(async worker =>
        {
            await using var scope = worker.CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<ProcessingKeyRing>().TurnAsync(Cancel);
        }));
        Assert.Equal(1, await service.ReadAsync(db => db.ProcessingKeys.CountAsync(Cancel)));
        Assert.Equal(1, await service.ReadAsync(db => db.ServiceKeys.CountAsync(Cancel)));
    }

    [Fact]
    public async Task Every_entry_of_the_list_is_signed_by_the_service_and_a_client_refuses_one_that_is_not()
    {
        await using var service = await Service.StartAsync(servers);
        var alice = service.User("alice");
        var list = await alice.Client.ListKeysAsync(Cancel);
        var entry = Assert.Single(list.ProcessingKeys);
        Assert.True(Signatures.Verify(list.ServiceKey, SignaturePurpose.ProcessingKey, entry.Bytes, entry.Signature));
        Assert.False(Signatures.Verify(list.ServiceKey, SignaturePurpose.RenditionManifest, entry.Bytes, entry.Signature));
        await service.ReadAsync(db => db.Database.ExecuteSqlRawAsync("update processing_keys set entry_signature = decode(repeat('00', 64), 'hex')"));
        await Assert.ThrowsAsync<Stories.Client.NotGenuineException>(() => alice.PostAsync([Samples.Photo], cancellationToken: Cancel));
    }
}
