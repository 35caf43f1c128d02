using System.Reflection;
using System.Text.RegularExpressions;
using Stories.Api.Hosting;
using Stories.Core.Media;
using Stories.Protocol;
using Stories.Tests.Fixtures;

namespace Stories.Tests.Hosting;

public sealed partial class DocumentTests(LocalServers servers)
{
    private static readonly string Checked = Repository.Path("docs", "openapi.json");

    [Fact]
    public async Task The_checked_in_OpenAPI_document_is_the_one_that_the_service_gives()
    {
        await using var service = await Service.StartAsync(servers, withWorker: false);
        using var http = new HttpClient { BaseAddress = service.Address };
        var served = await http.GetStringAsync("openapi/v1.json", TestContext.Current.CancellationToken);
        if (Environment.GetEnvironmentVariable("STORIES_WRITE_OPENAPI") is not null) await File.WriteAllTextAsync(Checked, served, TestContext.Current.CancellationToken);
        Assert.Equal(await File.ReadAllTextAsync(Checked, TestContext.Current.CancellationToken), served);
        Assert.Contains("\"openapi\": \"3.1", served);
    }

    [Fact]
    public void Every_code_is_in_the_catalogue_and_in_the_documentation_and_nothing_else_is()
    {
        var codes = typeof(ProblemCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (string)f.GetRawConstantValue()!).Concat(MediaCodes.All).Concat(TakedownCodes.All).Distinct().Order().ToList();
        var documented = Row().Matches(File.ReadAllText(Repository.Path("docs", "http.md"))).Select(m => m.Groups[1].Value).Order().ToList();
        Assert.Equal(codes, documented);
        Assert.Equal(codes.Except(TakedownCodes.All).Where(c => !c.StartsWith("media.", StringComparison.Ordinal)), Problems.Codes.Order());
    }

    [GeneratedRegex(@"^\| `([a-zA-Z.]+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
