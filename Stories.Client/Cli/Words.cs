using System.Text.Json;

namespace Stories.Client.Cli;

/// <summary>Words of the protocol as they stand in JSON.</summary>
internal static class Words
{
    public static string Of<T>(T value) where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
