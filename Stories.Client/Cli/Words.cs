using System.Text.Json;

namespace Stories.Client.Cli;

/// <summary>Words of the protocol as they stand in JSON, and others' words as they may stand here.</summary>
internal static class Words
{
    public static string Of<T>(T value) where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

    /// <summary>Somebody else's words must not steer this terminal.</summary>
    public static string Printable(string words) => new([.. words.Where(c => !char.IsControl(c) || c == '\n')]);
}
