using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;
using Stories.Protocol;

namespace Stories.Api.Hosting;

/// <summary>A token bucket per caller; who has no valid token shares one with the others of the same network.</summary>
internal sealed class RateLimits(IOptions<RateLimitOptions> options) : IConfigureOptions<RateLimiterOptions>, IDisposable
{
    // Its timer runs until it is disposed of, which the middleware leaves to us.
    private readonly PartitionedRateLimiter<HttpContext> callers = PartitionedRateLimiter.Create<HttpContext, (UserName?, IPAddress?)>(context => RateLimitPartition.GetTokenBucketLimiter(
        Caller.Of(context.User) is { } caller ? (caller.Name, default(IPAddress)) : (default(UserName?), NetworkOf(context.Connection.RemoteIpAddress)),
        _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = options.Value.Burst,
            TokensPerPeriod = Math.Max(1, options.Value.PerSecond / 5),
            ReplenishmentPeriod = TimeSpan.FromSeconds(0.2),
            AutoReplenishment = true,
        }));

    public void Configure(RateLimiterOptions limiter)
    {
        limiter.GlobalLimiter = callers;
        limiter.OnRejected = async (context, cancellationToken) =>
        {
            var wait = context.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1);
            context.HttpContext.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            await Problems.Of(ProblemCodes.RateLimited).ExecuteAsync(context.HttpContext);
        };
    }

    public void Dispose() => callers.Dispose();

    /// <summary>Of IPv6 a house or a machine is given 64 bits of addresses and more (RFC 6177): whoever has one of them has all.</summary>
    private static IPAddress? NetworkOf(IPAddress? address)
    {
        if (address is not { AddressFamily: AddressFamily.InterNetworkV6 }) return address;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }
}
