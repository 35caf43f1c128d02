using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Erasure;

namespace Stories.Core.Data.Configurations;

internal sealed class BucketConfiguration : IEntityTypeConfiguration<Bucket>
{
    public void Configure(EntityTypeBuilder<Bucket> builder)
    {
        builder.ToTable("buckets").HasKey(b => b.Id);
        builder.Ignore(b => b.Lag);
        builder.Property(b => b.State).HasConversion<string>();
        builder.HasIndex(b => b.EndsAt).IsUnique();
        builder.HasIndex(b => b.Container).IsUnique();
    }
}
