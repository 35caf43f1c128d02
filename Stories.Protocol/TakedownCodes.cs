using System.Text.Json;

namespace Stories.Protocol;

/// <summary>What an author is told of a takedown: the code in the story's progress. docs/http.md explains each.</summary>
public static class TakedownCodes
{
    public static IEnumerable<string> All => Enum.GetValues<TakedownReason>().Select(Of);

    public static string Of(TakedownReason reason) => $"moderation.{JsonNamingPolicy.CamelCase.ConvertName(reason.ToString())}";
}
