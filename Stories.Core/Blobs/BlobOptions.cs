using System.ComponentModel.DataAnnotations;

namespace Stories.Core.Blobs;

public sealed class BlobOptions : IValidatableObject
{
    public const string Section = "Blobs";

    /// <summary>With an account key: Azurite, or an account without Entra. Else <see cref="ServiceUri"/> and a managed identity.</summary>
    public string? ConnectionString { get; set; }
    public Uri? ServiceUri { get; set; }

    /// <summary>Stands in every container's name, so that two deployments can share an account and never touch each other.</summary>
    [Required, RegularExpression("^[a-z0-9]{1,20}$")]
    public string Deployment { get; set; } = "local";

    /// <summary>What viewers see instead of the storage account's own address, for instance a CDN in front of it.</summary>
    public Uri? PublicEndpoint { get; set; }

    /// <summary>
    /// Start although the account seems to keep what is deleted (soft delete, versions, immutability). Erasure then ends
    /// when those end; only for people who know that.
    /// </summary>
    public bool AllowRetainedDeletes { get; set; }

    /// <summary>How often a running host asks the account whether it keeps what is deleted: somebody may switch that on at any time.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan ProbeEvery { get; set; } = TimeSpan.FromHours(1);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrEmpty(ConnectionString) == (ServiceUri is null))
            yield return new ValidationResult("Set either Blobs:ConnectionString or Blobs:ServiceUri.", [nameof(ConnectionString), nameof(ServiceUri)]);
    }
}
