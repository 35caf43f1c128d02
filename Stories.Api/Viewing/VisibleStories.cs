using Npgsql;
using Stories.Core.Blobs;
using Stories.Core.Data;
using Stories.Core.Viewing;
using Stories.Protocol;
using Stories.Protocol.Contracts;

namespace Stories.Api.Viewing;

/// <summary>
/// What a caller may see, in SQL of its own: these are the hottest reads. A story is visible when it is live at
/// <c>@now</c> and the caller wrote it or was a member of its audience in its epoch.
/// </summary>
internal sealed class VisibleStories(NpgsqlDataSource database, BucketKeys keys, UrlSigner signer, TimeProvider clock)
{
    private const string Member = """
        exists (select 1 from audience_members m where m.audience_id = s.audience_id and m.app = @app and m."user" = @user
                and s.epoch >= m.from_epoch and (m.to_epoch is null or s.epoch < m.to_epoch))
        """;

    private const string Mine = """(s.app = @app and s."user" = @user)""";

    private const string Row = """s.id, s.app, s."user", s.audience_id, s.level, s.accepted_at, s.expires_at""";

    private const string IsSeen = """exists (select 1 from seen v where v.story_id = s.id and v.app = @app and v."user" = @user)""";

    /// <summary>Everybody else's live stories that the caller may see, oldest first.</summary>
    public Task<IReadOnlyList<(UserName Author, TrayStory Story)>> InTrayAsync(UserName viewer, CancellationToken cancellationToken) => ListAsync($"""
        select {Row}, {IsSeen}
        from audience_members m join stories s on s.audience_id = m.audience_id and s.epoch >= m.from_epoch and (m.to_epoch is null or s.epoch < m.to_epoch)
        where m.app = @app and m."user" = @user and s.state = 'Live' and s.expires_at > @now and not {Mine}
        order by s.accepted_at, s.id
        """, viewer, audience: null, cancellationToken);

    public Task<IReadOnlyList<(UserName Author, TrayStory Story)>> InAudienceAsync(Guid audience, UserName viewer, CancellationToken cancellationToken) => ListAsync($"""
        select {Row}, {IsSeen}
        from stories s
        where s.audience_id = @audience and s.state = 'Live' and s.expires_at > @now and ({Mine} or {Member})
        order by s.accepted_at, s.id
        """, viewer, audience, cancellationToken);

    /// <returns>False when there is no such story for this viewer.</returns>
    public async Task<bool> MarkSeenAsync(Guid story, UserName viewer, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var hold = new NpgsqlCommand(DepartureGate.Hold, connection)) await hold.ExecuteNonQueryAsync(cancellationToken);
        await using var command = For(viewer, new NpgsqlCommand($"""
            insert into seen (story_id, bucket_id, app, "user")
            select s.id, s.bucket_id, @app, @user from stories s
            where s.id = @story and s.state = 'Live' and s.expires_at > @now and ({Mine} or {Member}) and {DepartureGate.IsStaying("@app", "@user")}
            on conflict (story_id, app, "user") do update set bucket_id = excluded.bucket_id
            """, connection));
        command.Parameters.AddWithValue("story", story);
        var isMarked = await command.ExecuteNonQueryAsync(cancellationToken) > 0;
        await transaction.CommitAsync(cancellationToken);
        return isMarked;
    }

    /// <summary>Everything a device needs to show the stories; those that the viewer may not see are left out.</summary>
    public async Task<IReadOnlyList<StoryView>> OpenAsync(IReadOnlyList<Guid> stories, UserName viewer, CancellationToken cancellationToken)
    {
        var rows = await ReadAsync(stories, viewer, cancellationToken);
        var views = new List<StoryView>(rows.Count);
        foreach (var row in rows)
            if (await ViewAsync(row, cancellationToken) is { } view) views.Add(view);
        return views;
    }

    private async Task<StoryView?> ViewAsync(OpenRow row, CancellationToken cancellationToken)
    {
        if (await keys.FindAsync(row.Container, row.EndsAt, cancellationToken) is not { } key) return null;
        var renditions = new List<RenditionUrl>(row.Renditions.Count);
        foreach (var rendition in row.Renditions)
        {
            var isClear = row.Level == Level.Clear;
            var now = clock.GetUtcNow();
            if ((isClear ? UrlLife.ForClear(rendition.Duration, now, row.ExpiresAt) : UrlLife.ForSealed(now, row.ExpiresAt)) is not { } end) return null;
            var served = isClear && rendition.MediaType is { } mediaType ? new ServedAs(mediaType, Inline: true) : ServedAs.Sealed;
            renditions.Add(new RenditionUrl(rendition.Part, rendition.Length, await signer.SignAsync(row.Container, rendition.BlobName, served, end, cancellationToken), end));
        }
        var view = new StoryView(
            row.Id, row.Author.ToString(), row.Audience, row.Epoch, row.Level, row.ExpiresAt, row.Revision, row.Manifest, row.Signature, row.SignerKey,
            key.Unwrap(row.Id, SealedField.KeyEnvelope, row.KeyEnvelope),
            row.Payload is { } payload ? key.Unwrap(row.Id, SealedField.Payload, payload) : null,
            row.RenditionManifest is { } manifest ? key.Unwrap(row.Id, SealedField.RenditionManifest, manifest) : null,
            renditions);
        // The answer's own instant decides, not the query's.
        return clock.GetUtcNow() < row.ExpiresAt ? view : null;
    }

    private async Task<List<OpenRow>> ReadAsync(IReadOnlyList<Guid> stories, UserName viewer, CancellationToken cancellationToken)
    {
        await using var command = Command($"""
            select s.id, s.app, s."user", s.audience_id, s.epoch, s.level, s.expires_at, s.revision, s.manifest, s.signature, s.signer_key,
                   s.key_envelope, s.payload, s.rendition_manifest, b.container, b.ends_at,
                   r.part, r.blob_name, r.length, r.media_type, r.duration
            from stories s join buckets b on b.id = s.bucket_id left join renditions r on r.story_id = s.id
            where s.id = any(@stories) and s.state = 'Live' and s.expires_at > @now and ({Mine} or {Member})
            order by array_position(@stories, s.id), r.part
            """, viewer);
        command.Parameters.AddWithValue("stories", stories.ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<OpenRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var id = reader.GetGuid(0);
            if (rows.Count == 0 || rows[^1].Id != id)
            {
                rows.Add(new OpenRow(
                    id, new UserName(reader.GetString(1), reader.GetString(2)), reader.GetGuid(3), reader.GetInt32(4), Enum.Parse<Level>(reader.GetString(5)),
                    reader.GetFieldValue<DateTimeOffset>(6), reader.GetInt32(7), (byte[])reader[8], (byte[])reader[9], (byte[])reader[10], (byte[])reader[11],
                    reader[12] as byte[], reader[13] as byte[], reader.GetString(14), reader.GetFieldValue<DateTimeOffset>(15), []));
            }
            if (!reader.IsDBNull(16))
            {
                rows[^1].Renditions.Add(new RenditionRow(reader.GetInt32(16), reader.GetString(17), reader.GetInt64(18),
                    reader[19] as string, reader.IsDBNull(20) ? null : reader.GetFieldValue<TimeSpan>(20)));
            }
        }
        return rows;
    }

    private async Task<IReadOnlyList<(UserName, TrayStory)>> ListAsync(string sql, UserName viewer, Guid? audience, CancellationToken cancellationToken)
    {
        await using var command = Command(sql, viewer);
        if (audience is { } id) command.Parameters.AddWithValue("audience", id);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var stories = new List<(UserName, TrayStory)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            stories.Add((new UserName(reader.GetString(1), reader.GetString(2)), new TrayStory(
                reader.GetGuid(0), reader.GetGuid(3), Enum.Parse<Level>(reader.GetString(4)),
                reader.GetFieldValue<DateTimeOffset>(5), reader.GetFieldValue<DateTimeOffset>(6), reader.GetBoolean(7))));
        }
        return stories;
    }

    private NpgsqlCommand Command(string sql, UserName viewer) => For(viewer, database.CreateCommand(sql));

    private NpgsqlCommand For(UserName viewer, NpgsqlCommand command)
    {
        command.Parameters.AddWithValue("app", viewer.App);
        command.Parameters.AddWithValue("user", viewer.User);
        command.Parameters.AddWithValue("now", clock.GetUtcNow());
        return command;
    }

    private sealed record OpenRow(
        Guid Id, UserName Author, Guid Audience, int Epoch, Level Level, DateTimeOffset ExpiresAt, int Revision, byte[] Manifest, byte[] Signature, byte[] SignerKey,
        byte[] KeyEnvelope, byte[]? Payload, byte[]? RenditionManifest, string Container, DateTimeOffset EndsAt, List<RenditionRow> Renditions);

    private sealed record RenditionRow(int Part, string BlobName, long Length, string? MediaType, TimeSpan? Duration);
}
