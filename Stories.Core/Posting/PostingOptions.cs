using System.ComponentModel.DataAnnotations;

namespace Stories.Core.Posting;

public sealed class PostingOptions
{
    public const string Section = "Posting";

    [Range(1, 100_000)]
    public int LiveStoriesPerUser { get; set; } = 100;
}
