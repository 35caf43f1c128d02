using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Audiences;

namespace Stories.Core.Data.Configurations;

internal sealed class AudienceConfiguration : IEntityTypeConfiguration<Audience>
{
    public void Configure(EntityTypeBuilder<Audience> builder)
    {
        builder.ToTable("audiences").HasKey(a => a.Id);
        builder.Ignore(a => a.Owner);
        builder.Property(a => a.Kind).HasConversion<string>();
        builder.HasIndex(a => new { a.OwnerApp, a.OwnerUser });
    }
}
