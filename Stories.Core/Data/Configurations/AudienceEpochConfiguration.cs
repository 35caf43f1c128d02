using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Audiences;

namespace Stories.Core.Data.Configurations;

internal sealed class AudienceEpochConfiguration : IEntityTypeConfiguration<AudienceEpoch>
{
    public void Configure(EntityTypeBuilder<AudienceEpoch> builder) =>
        builder.ToTable("audience_epochs").HasKey(e => new { e.AudienceId, e.Number });
}
