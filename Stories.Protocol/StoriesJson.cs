using System.Text.Json;
using System.Text.Json.Serialization;

namespace Stories.Protocol;

/// <summary>
/// The one way JSON is written here. Property order is declaration order and there is no white space, so that writing
/// a manifest record again gives the very bytes that were signed.
/// </summary>
public static class StoriesJson
{
    public static JsonSerializerOptions Options { get; } = Configure(new JsonSerializerOptions(JsonSerializerDefaults.Web));

    public static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        options.NumberHandling = JsonNumberHandling.Strict;
        options.MaxDepth = Limits.JsonDepth;
        options.AllowDuplicateProperties = false;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
        return options;
    }

    public static byte[] Write<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, Options);

    /// <summary>Null when the bytes are not a <typeparamref name="T"/>, or not in the form in which we would write it.</summary>
    public static T? ReadCanonical<T>(ReadOnlySpan<byte> bytes) where T : class
    {
        try
        {
            var value = JsonSerializer.Deserialize<T>(bytes, Options);
            return value is not null && bytes.SequenceEqual(Write(value)) ? value : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
