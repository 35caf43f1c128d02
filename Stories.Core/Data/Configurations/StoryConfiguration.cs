using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Posting;

namespace Stories.Core.Data.Configurations;

internal sealed class StoryConfiguration : IEntityTypeConfiguration<Story>
{
    public void Configure(EntityTypeBuilder<Story> builder)
    {
        builder.ToTable("stories").HasKey(s => s.Id);
        builder.Ignore(s => s.Author).Ignore(s => s.Progress);
        builder.Property(s => s.Level).HasConversion<string>();
        builder.Property(s => s.State).HasConversion<string>();
        builder.Property(s => s.Work).HasConversion<string>();
        builder.Property(s => s.Lane).HasConversion<string>();
        builder.Property(s => s.Stage).HasConversion<string>();
        // The tray: one look-up per audience of the viewer.
        builder.HasIndex(s => new { s.AudienceId, s.App, s.User, s.ExpiresAt });
        builder.HasIndex(s => new { s.App, s.User, s.ExpiresAt });
        builder.HasIndex(s => s.BucketId);
        builder.HasIndex(s => s.WorkId).IsUnique();
        builder.HasIndex(s => new { s.Lane, s.AcceptedAt }).HasFilter("work = 'Pending'");
    }
}
