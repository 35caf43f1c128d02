using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>Collects what is wrong, so that whoever sent it learns all at once.</summary>
public sealed class FieldFaults
{
    /// <summary>Enough to repair by; what is sent may have thousands.</summary>
    private const int Most = 100;

    private readonly List<FieldFault> found = [];

    public IReadOnlyList<FieldFault> Found => found;

    /// <returns>Whether it is as it should be.</returns>
    public bool Require(bool isRight, string field, FieldFaultCode code, string text)
    {
        if (!isRight && found.Count < Most) found.Add(new FieldFault(field, code, text));
        return isRight;
    }

    /// <summary>A text that people read.</summary>
    public bool RequireText(string? text, string field, int most)
    {
        if (string.IsNullOrWhiteSpace(text)) return Require(false, field, FieldFaultCode.Missing, "It must be there.");
        return Require(text.Length <= most && !text.Any(char.IsControl) && text == text.Trim(), field, FieldFaultCode.Malformed, $"At most {most} characters, none of them a control character, and no space around them.");
    }

    /// <summary>Items that each must hold, all of them different.</summary>
    public void RequireEach<T>(IReadOnlyList<T>? items, string field, int most, Func<T, bool> isRight, FieldFaultCode code, string text)
    {
        if (!Require(items is not null, field, FieldFaultCode.Missing, "It must be there; it may be empty.")) return;
        if (!Require(items!.Count <= most, field, FieldFaultCode.TooMany, $"At most {most}.")) return;
        for (var i = 0; i < items.Count; i++) Require(items[i] is not null && isRight(items[i]), $"{field}[{i}]", code, text);
        Require(items.Distinct().Count() == items.Count, field, FieldFaultCode.Repeated, "Each may be there once.");
    }
}
