using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Erasure;

namespace Stories.Core.Data.Configurations;

internal sealed class KeptRecordConfiguration : IEntityTypeConfiguration<KeptRecord>
{
    public void Configure(EntityTypeBuilder<KeptRecord> builder)
    {
        builder.ToTable("erasure_records").HasKey(r => r.BucketId);
        builder.HasOne<Bucket>().WithMany().HasForeignKey(r => r.BucketId).OnDelete(DeleteBehavior.Cascade);
    }
}
