using System.ComponentModel.DataAnnotations;

namespace Stories.Worker.Keys;

public sealed class KeyOptions
{
    public const string Section = "Keys";

    /// <summary>Key-encryption keys and the service's signing key; outside the database and its backups, shared by all workers.</summary>
    [Required(ErrorMessage = "Set Keys:Folder to a folder that only this service can read.")]
    public string Folder { get; set; } = "";
}
