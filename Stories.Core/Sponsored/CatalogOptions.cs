using System.ComponentModel.DataAnnotations;
using Stories.Protocol.Sponsored;

namespace Stories.Core.Sponsored;

/// <summary>What every catalog says, and for whom there is one.</summary>
public sealed class CatalogOptions : IValidatableObject
{
    public const string Section = "Ads";

    /// <summary>Ad load and caps for all.</summary>
    public AdPolicy Policy { get; set; } = new();

    /// <summary>Cells of fewer devices are merged with others: language first, then country.</summary>
    [Range(1, 1_000_000)]
    public int CellFloor { get; set; } = 50;

    /// <summary>A cell for which nobody has asked for so long gets no catalog until somebody does.</summary>
    [Range(typeof(TimeSpan), "00:10:00", "7.00:00:00")]
    public TimeSpan CellLife { get; set; } = TimeSpan.FromHours(2);

    /// <summary>Workers look so often for catalogs that are missing.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan PlanEvery { get; set; } = TimeSpan.FromSeconds(1);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        // A device refuses a catalog with such a policy whole: nothing would be shown anywhere, and nobody told.
        if (Policy.FindFault() is { } fault) yield return new ValidationResult($"Ads:Policy:{fault} is out of its range.", [nameof(Policy)]);
    }
}
