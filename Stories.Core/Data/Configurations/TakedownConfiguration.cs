using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Erasure;

namespace Stories.Core.Data.Configurations;

internal sealed class TakedownConfiguration : IEntityTypeConfiguration<Takedown>
{
    public void Configure(EntityTypeBuilder<Takedown> builder)
    {
        builder.ToTable("takedowns").HasKey(t => t.Id);
        builder.Property(t => t.Level).HasConversion<string>();
        builder.Property(t => t.Reason).HasConversion<string>();
        builder.HasIndex(t => t.At);
    }
}
