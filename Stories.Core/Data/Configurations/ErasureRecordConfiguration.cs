using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Erasure;

namespace Stories.Core.Data.Configurations;

internal sealed class ErasureRecordConfiguration : IEntityTypeConfiguration<ErasureRecord>
{
    public void Configure(EntityTypeBuilder<ErasureRecord> builder)
    {
        builder.ToTable("erasure_records").HasKey(r => r.BucketId);
        builder.HasOne<Bucket>().WithMany().HasForeignKey(r => r.BucketId).OnDelete(DeleteBehavior.Cascade);
    }
}
