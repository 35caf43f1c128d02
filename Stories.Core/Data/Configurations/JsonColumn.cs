using System.Text.Json;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.EntityFrameworkCore;
using Stories.Protocol;

namespace Stories.Core.Data.Configurations;

/// <summary>A value that travels whole is kept as it travels.</summary>
internal static class JsonColumn
{
    public static PropertyBuilder<TValue> AsJson<TValue>(this PropertyBuilder<TValue> property) where TValue : class
    {
        property.HasColumnType("jsonb").HasConversion(
            value => JsonSerializer.Serialize(value, StoriesJson.Options),
            text => JsonSerializer.Deserialize<TValue>(text, StoriesJson.Options)!,
            new ValueComparer<TValue>(
                (one, other) => JsonSerializer.Serialize(one, StoriesJson.Options) == JsonSerializer.Serialize(other, StoriesJson.Options),
                value => JsonSerializer.Serialize(value, StoriesJson.Options).GetHashCode(StringComparison.Ordinal),
                value => value));
        return property;
    }
}
