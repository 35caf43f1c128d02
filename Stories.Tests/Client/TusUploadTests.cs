using System.Net;
using Stories.Client;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Client;

/// <summary>Services that speak tus wrongly, or not at all: an upload ends by an error that is documented, and not by never ending.</summary>
public sealed class TusUploadTests
{
    /// <summary>Several pieces of what goes out at a time.</summary>
    private const int Length = 500_000;

    private readonly HandClock clock = new();
    private readonly Guid upload = Guid.NewGuid();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Path => $"/v1/uploads/{upload}";

    [Fact]
    public async Task A_service_that_takes_nothing_is_left_after_eight_tries_with_pauses_between_them()
    {
        var begin = clock.GetUtcNow();
        var service = Service().On($"PATCH {Path}", _ => Offset(0)).On($"HEAD {Path}", _ => Offset(0));

        await FailAsync(service);

        Assert.Equal(8, service.Asked.Count(a => a == $"PATCH {Path}"));
        Assert.InRange(clock.GetUtcNow() - begin, TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(30));
        Assert.Equal($"DELETE {Path}", service.Asked[^1]);
    }

    [Fact]
    public async Task One_that_goes_back_and_forth_has_brought_nothing_either()
    {
        var offsets = new Queue<int>(Enumerable.Repeat<int[]>([20, 10], 50).SelectMany(pair => pair));
        var service = Service().On($"PATCH {Path}", _ => Refused(ProblemCodes.Unavailable)).On($"HEAD {Path}", _ => Offset(offsets.Dequeue()));

        using var client = Client(service);
        var sending = SendAsync(client);
        await clock.PassAsync(sending);

        Assert.Equal(ProblemCodes.Unavailable, (await Assert.ThrowsAsync<StoriesProblemException>(() => sending)).Code);
        Assert.InRange(service.Asked.Count(a => a == $"PATCH {Path}"), 8, 10);
    }

    [Fact]
    public async Task One_that_has_more_than_there_is_is_not_believed()
    {
        var service = Service().On($"PATCH {Path}", _ => Offset(Length + 1)).On($"HEAD {Path}", _ => Offset(Length + 1));
        await FailAsync(service);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/v1/uploads/")]
    [InlineData("/v1/uploads/somewhere")]
    [InlineData("http://elsewhere.test/v1/uploads/00000000-0000-0000-0000-000000000001")]
    [InlineData("ftp://service.test/v1/uploads/00000000-0000-0000-0000-000000000001")]
    public async Task One_that_does_not_say_where_to_upload_is_sent_nothing(string? location)
    {
        var service = Service(location);
        await FailAsync(service);
        Assert.All(service.Asked, asked => Assert.Equal("POST /v1/uploads", asked));
    }

    [Fact]
    public async Task An_upload_begins_though_the_service_is_away_for_a_moment()
    {
        var refusals = 3;
        var service = Service().On($"PATCH {Path}", _ => Offset(Length));
        service.On("POST /v1/uploads", _ => refusals-- > 0 ? Refused(ProblemCodes.Unavailable) : Created(Path));
        using var client = Client(service);
        var sending = SendAsync(client);
        await clock.PassAsync(sending);
        Assert.Equal(upload, await sending);
    }

    [Fact]
    public async Task What_comes_slowly_goes_on_and_what_stands_still_is_sent_again()
    {
        var (patches, offset) = (0, 0);
        var service = Service().On($"HEAD {Path}", _ => Offset(offset)).On($"PATCH {Path}", async (request, cancellationToken) =>
        {
            // Each piece goes out just in time, and nothing ever comes back to the first.
            using var taken = new Slow(() => clock.Advance(TimeSpan.FromSeconds(50)));
            await request.Content!.CopyToAsync(taken, cancellationToken);
            if (patches++ == 0) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return Offset(offset = Length);
        });
        using var client = Client(service);
        var sending = SendAsync(client);
        Assert.Equal(1, patches);
        clock.Advance(TimeSpan.FromSeconds(60));
        await clock.PassAsync(sending);
        Assert.Equal(upload, await sending);
        Assert.Equal(2, patches);
    }

    [Fact]
    public async Task A_service_that_is_silent_about_an_uploads_end_is_not_waited_for()
    {
        using var client = Client(new StandIn().Silent($"DELETE {Path}"));
        var ending = client.EndUploadAsync(upload, Cancel);
        clock.Advance(TimeSpan.FromSeconds(99));
        Assert.False(ending.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null((await Assert.ThrowsAsync<HttpRequestException>(() => ending)).StatusCode);
    }

    private async Task FailAsync(StandIn service)
    {
        using var client = Client(service);
        var sending = SendAsync(client);
        await clock.PassAsync(sending);
        Assert.Equal(HttpRequestError.InvalidResponse, (await Assert.ThrowsAsync<HttpRequestException>(() => sending)).HttpRequestError);
    }

    private static Task<Guid> SendAsync(StoriesClient client) => client.UploadAsync(new MemoryStream(new byte[Length]), Lane.Photo, Level.Processed, Guid.NewGuid(), cancellationToken: Cancel);

    private StoriesClient Client(StandIn service) => new(new Uri("http://service.test"), _ => ValueTask.FromResult("token"), service, clock);

    private StandIn Service() => Service(Path);

    private static StandIn Service(string? location) => new StandIn()
        .On("POST /v1/uploads", _ => Created(location))
        .On("DELETE /v1/uploads/*", _ => new HttpResponseMessage(HttpStatusCode.NoContent));

    private static HttpResponseMessage Created(string? location)
    {
        var answer = new HttpResponseMessage(HttpStatusCode.Created);
        if (location is not null) answer.Headers.TryAddWithoutValidation("Location", location);
        return answer;
    }

    private static HttpResponseMessage Offset(int offset) => new(HttpStatusCode.NoContent) { Headers = { { "Upload-Offset", $"{offset}" } } };

    private static HttpResponseMessage Refused(string code) => StandIn.Refusal(HttpStatusCode.ServiceUnavailable, code);

    private sealed class Slow(Action taken) : WriteOnlyStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            taken();
            return ValueTask.CompletedTask;
        }
    }
}
