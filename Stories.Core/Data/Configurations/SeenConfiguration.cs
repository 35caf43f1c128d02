using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Posting;
using Stories.Core.Viewing;

namespace Stories.Core.Data.Configurations;

internal sealed class SeenConfiguration : IEntityTypeConfiguration<Seen>
{
    public void Configure(EntityTypeBuilder<Seen> builder)
    {
        builder.ToTable("seen").HasKey(s => new { s.StoryId, s.App, s.User });
        builder.HasIndex(s => s.BucketId);
        // When a viewer is erased.
        builder.HasIndex(s => new { s.App, s.User });
        builder.HasOne<Story>().WithMany().HasForeignKey(s => s.StoryId).OnDelete(DeleteBehavior.Cascade);
    }
}
