using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Erasure;

namespace Stories.Core.Data.Configurations;

internal sealed class ErasureLeafConfiguration : IEntityTypeConfiguration<ErasureLeaf>
{
    public void Configure(EntityTypeBuilder<ErasureLeaf> builder)
    {
        builder.ToTable("erasure_leaves").HasKey(l => new { l.BucketId, l.Hash });
        builder.HasOne<Bucket>().WithMany().HasForeignKey(l => l.BucketId).OnDelete(DeleteBehavior.Cascade);
    }
}
