using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Audiences;

namespace Stories.Core.Data.Configurations;

internal sealed class EpochEnvelopeConfiguration : IEntityTypeConfiguration<EpochEnvelopeRow>
{
    public void Configure(EntityTypeBuilder<EpochEnvelopeRow> builder)
    {
        builder.ToTable("epoch_envelopes").HasKey(e => new { e.AudienceId, e.Number, e.DeviceId });
        // When a device's owner is erased.
        builder.HasIndex(e => e.DeviceId);
    }
}
