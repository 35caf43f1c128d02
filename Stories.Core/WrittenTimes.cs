using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Stories.Core;

/// <summary>
/// .NET reads <c>24:00:00</c>, and <c>24</c>, as 24 days. Times are taken as the documentation writes them, and in no other way.
/// </summary>
internal sealed partial class WrittenTimes<T>(IConfiguration section) : IValidateOptions<T> where T : class
{
    public ValidateOptionsResult Validate(string? name, T options)
    {
        var wrong = typeof(T).GetProperties().Where(property => property.PropertyType == typeof(TimeSpan))
            .Select(property => section.GetSection(property.Name)).Where(setting => setting.Value is { Length: > 0 } text && !Written().IsMatch(text))
            .Select(setting => $"{setting.Path} is {setting.Value}: write hh:mm:ss with at most 23 hours, or d.hh:mm:ss; 24 hours are 1.00:00:00.").ToList();
        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong);
    }

    [GeneratedRegex(@"^(\d+\.)?([01]?\d|2[0-3]):[0-5]?\d:[0-5]?\d(\.\d+)?$")]
    private static partial Regex Written();
}
