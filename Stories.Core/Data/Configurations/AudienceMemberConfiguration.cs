using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Audiences;

namespace Stories.Core.Data.Configurations;

internal sealed class AudienceMemberConfiguration : IEntityTypeConfiguration<AudienceMember>
{
    public void Configure(EntityTypeBuilder<AudienceMember> builder)
    {
        builder.ToTable("audience_members").HasKey(m => new { m.AudienceId, m.App, m.User, m.FromEpoch });
        builder.Ignore(m => m.Name);
        // The tray starts from the viewer: which audiences, and from which epoch on.
        builder.HasIndex(m => new { m.App, m.User });
    }
}
