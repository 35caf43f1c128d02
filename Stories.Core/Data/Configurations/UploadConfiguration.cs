using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Uploads;

namespace Stories.Core.Data.Configurations;

internal sealed class UploadConfiguration : IEntityTypeConfiguration<Upload>
{
    public void Configure(EntityTypeBuilder<Upload> builder)
    {
        builder.ToTable("uploads").HasKey(u => u.Id);
        builder.Ignore(u => u.Owner);
        builder.Property(u => u.Lane).HasConversion<string>();
        builder.Property(u => u.Level).HasConversion<string>();
        builder.Property(u => u.State).HasConversion<string>();
        builder.HasIndex(u => new { u.App, u.User, u.CreatedAt });
        builder.HasIndex(u => u.BucketId).HasFilter("bucket_id is not null");
        builder.HasIndex(u => u.StoryId).HasFilter("story_id is not null");
        builder.HasIndex(u => u.ExpiresAt);
    }
}
