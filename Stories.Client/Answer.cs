using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Stories.Protocol;

namespace Stories.Client;

/// <summary>
/// What a service answers, read so that whoever goes on with it finds what the contract says is there. The service leaves out what is null, so
/// only what can be null may be missing.
/// </summary>
internal static class Answer
{
    public static JsonSerializerOptions Options { get; } = new(StoriesJson.Options)
    {
        RespectNullableAnnotations = true,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { RefuseHoles } },
    };

    /// <summary>As UTF-8, whatever it says of itself: JSON between systems is nothing else (RFC 8259, section 8.1).</summary>
    /// <exception cref="JsonException">It is not a <typeparamref name="T"/>.</exception>
    public static async Task<T> ReadAsync<T>(HttpContent content, CancellationToken cancellationToken) where T : class =>
        await JsonSerializer.DeserializeAsync<T>(await content.ReadAsStreamAsync(cancellationToken), Options, cancellationToken) ?? throw new JsonException();

    private static void RefuseHoles(JsonTypeInfo type)
    {
        foreach (var property in type.Properties.Where(p => p.AssociatedParameter is { HasDefaultValue: false, IsNullable: false })) property.IsRequired = true;
        // The annotations of an element's type are not there to be respected.
        if (type is { Kind: JsonTypeInfoKind.Enumerable, ElementType.IsValueType: false })
            type.OnDeserialized = RefuseNull;
    }

    private static void RefuseNull(object list)
    {
        if (((IEnumerable)list).Cast<object?>().Contains(null)) throw new JsonException("A list has nothing where something should be.");
    }
}
