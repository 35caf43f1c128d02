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
        builder.ComplexProperty(s => s.Wishes, wishes =>
        {
            wishes.Property(w => w.Avif).HasColumnName("wishes_avif");
            wishes.Property(w => w.Split).HasColumnName("wishes_split");
            wishes.Property(w => w.PosterAt).HasColumnName("wishes_poster_at");
        });
        // The tray: one look-up per audience of the viewer.
        builder.HasIndex(s => new { s.AudienceId, s.App, s.User, s.ExpiresAt });
        builder.HasIndex(s => new { s.App, s.User, s.ExpiresAt });
        builder.HasIndex(s => s.BucketId);
        // What the sweep looks through for remains.
        builder.HasIndex(s => s.State, "ix_stories_ended_early").HasFilter("state in ('Withdrawn', 'TakenDown')");
        builder.HasIndex(s => new { s.Lane, s.AcceptedAt }).HasFilter("work = 'Pending'");
        // Whose turn it is: who waits, and when work for each last began.
        builder.HasIndex(s => new { s.Lane, s.App, s.User, s.AcceptedAt }, "ix_stories_first_revision").HasFilter("work = 'Pending' and revision = 0");
        builder.HasIndex(s => new { s.Lane, s.App, s.User, s.AcceptedAt }, "ix_stories_further_revisions").HasFilter("work = 'Pending' and revision > 0");
        builder.HasIndex(s => new { s.Lane, s.App, s.StartedAt }).HasFilter("started_at is not null");
        builder.HasIndex(s => new { s.Lane, s.App, s.User, s.StartedAt }).HasFilter("started_at is not null");
    }
}
