using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Uploads;

namespace Stories.Core.Data.Configurations;

internal sealed class UploadBlockConfiguration : IEntityTypeConfiguration<UploadBlock>
{
    public void Configure(EntityTypeBuilder<UploadBlock> builder)
    {
        builder.ToTable("upload_blocks").HasKey(b => new { b.UploadId, b.Ordinal });
        builder.HasOne<Upload>().WithMany().HasForeignKey(b => b.UploadId).OnDelete(DeleteBehavior.Cascade);
    }
}
