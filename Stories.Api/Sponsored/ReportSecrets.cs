using System.Security.Cryptography;
using Npgsql;
using Stories.Core.Sponsored;

namespace Stories.Api.Sponsored;

/// <summary>
/// The one secret of the reports' noise. It lies beside the exact numbers, because it keeps nothing from who reads the database: it keeps
/// advertisers from reckoning the noise.
/// </summary>
internal sealed class ReportSecrets(NpgsqlDataSource database)
{
    private volatile ReportNoise? noise;

    public async Task<ReportNoise> NoiseAsync(CancellationToken cancellationToken)
    {
        if (noise is { } known) return known;
        await using var add = database.CreateCommand("insert into report_secrets (id, bytes) values ($1, $2) on conflict (id) do nothing");
        add.Parameters.Add(new() { Value = ReportSecret.TheOne });
        add.Parameters.Add(new() { Value = RandomNumberGenerator.GetBytes(32) });
        await add.ExecuteNonQueryAsync(cancellationToken);
        await using var read = database.CreateCommand("select bytes from report_secrets");
        return noise = new ReportNoise((byte[])(await read.ExecuteScalarAsync(cancellationToken))!);
    }
}
