using System.Text;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.DependencyInjection;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Erasure;

/// <summary>
/// Searches every table of every schema, job tables included, and all of storage for whatever names somebody: their name, and the
/// ids of their stories, devices, audiences, uploads and blobs. Names must be long and strange enough to be nobody else's.
/// </summary>
internal sealed class EverythingAbout
{
    private readonly Service service;
    private readonly HashSet<string> words = [];
    private readonly HashSet<string> blobs = [];

    private EverythingAbout(Service service) => this.service = service;

    /// <summary>While it is all there: afterwards nobody could say what to look for.</summary>
    public static Task<EverythingAbout> RememberAsync(Service service, UserName user) => RememberAsync(service, user.App, user.User);

    /// <param name="user">Null: everybody of the app.</param>
    public static async Task<EverythingAbout> RememberAsync(Service service, string app, string? user)
    {
        var about = new EverythingAbout(service);
        var theirs = $"app = '{app}'" + (user is null ? "" : $" and \"user\" = '{user}'");
        if (user is not null) about.words.Add(user);
        foreach (var table in (string[])["devices", "stories", "uploads", "audience_members", "seen"])
            about.words.UnionWith(await about.ListAsync($"select distinct \"user\" from {table} where {theirs}"));
        foreach (var table in (string[])["devices", "stories", "uploads"]) about.Add(await about.ListAsync($"select id::text from {table} where {theirs}"));
        about.Add(await about.ListAsync($"select id::text from audiences where {theirs.Replace("app =", "owner_app =").Replace("\"user\"", "owner_user")}"));
        about.blobs.UnionWith(await about.ListAsync($"select blob_name from uploads where {theirs} union select blob_name from renditions where story_id in (select id from stories where {theirs})"));
        return about;
    }

    /// <summary>One story alone, with its renditions and uploads.</summary>
    public static async Task<EverythingAbout> RememberStoryAsync(Service service, Guid story)
    {
        var about = new EverythingAbout(service);
        about.Also(story);
        about.blobs.UnionWith(await about.ListAsync($"select blob_name from uploads where story_id = '{story}' union select blob_name from renditions where story_id = '{story}'"));
        return about;
    }

    /// <summary>What came after <see cref="RememberAsync(Service, UserName)"/>.</summary>
    public void Also(Guid id) => Add([id.ToString()]);

    /// <returns>Where something was found, and what; nothing is what a test hopes for.</returns>
    public async Task<IReadOnlyList<string>> FindAsync() => [.. await InDatabaseAsync(), .. await InStorageAsync()];

    public async Task<IReadOnlyList<string>> InDatabaseAsync()
    {
        var forms = words.SelectMany(Forms).Concat(blobs).Distinct().ToList();
        var found = new List<string>();
        foreach (var (table, rows) in await Tables.AllRowsAsync(service.Database, TestContext.Current.CancellationToken))
            foreach (var row in rows)
                found.AddRange(forms.Where(form => row.Contains(form, StringComparison.OrdinalIgnoreCase)).Select(form => $"{table}: {form}"));
        return found;
    }

    /// <summary>Blocks that were never committed included.</summary>
    public async Task<IReadOnlyList<string>> InStorageAsync()
    {
        var storage = service.Api.GetRequiredService<BlobServiceClient>();
        var found = new List<string>();
        await foreach (var container in storage.GetBlobContainersAsync())
        {
            if (!container.Name.Contains(service.Settings["Blobs:Deployment"]!, StringComparison.Ordinal)) continue;
            await foreach (var blob in storage.GetBlobContainerClient(container.Name).GetBlobsAsync(new GetBlobsOptions { States = BlobStates.Uncommitted }))
                if (blobs.Contains(blob.Name)) found.Add($"storage: {blob.Name}");
        }
        return found;
    }

    private void Add(IEnumerable<string> ids) => words.UnionWith(ids);

    /// <summary>As it would stand in a text, in bytes, and as an id's own bytes in either order.</summary>
    private static IEnumerable<string> Forms(string word)
    {
        yield return word;
        yield return Convert.ToHexStringLower(Encoding.UTF8.GetBytes(word));
        if (!Guid.TryParse(word, out var id)) yield break;
        yield return id.ToString("N");
        yield return Convert.ToHexStringLower(id.ToByteArray());
    }

    private Task<List<string>> ListAsync(string sql) => Tables.ReadAsync(service.Database, sql, TestContext.Current.CancellationToken);
}
