using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Sponsored;

namespace Stories.Core.Data.Configurations;

internal sealed class AdvertiserConfiguration : IEntityTypeConfiguration<Advertiser>
{
    public void Configure(EntityTypeBuilder<Advertiser> builder)
    {
        builder.ToTable("advertisers").HasKey(a => a.Id);
        builder.Property(a => a.State).HasConversion<string>();
        // One for each account; an erased account's stay.
        builder.HasIndex(a => new { a.App, a.User }).IsUnique().HasFilter("\"user\" <> ''");
    }
}

internal sealed class WalletConfiguration : IEntityTypeConfiguration<Wallet>
{
    public void Configure(EntityTypeBuilder<Wallet> builder) =>
        builder.ToTable("wallets", table => table.HasCheckConstraint("ck_wallets_balance", "balance >= 0")).HasKey(w => w.AdvertiserId);
}

internal sealed class TransferConfiguration : IEntityTypeConfiguration<Transfer>
{
    public void Configure(EntityTypeBuilder<Transfer> builder)
    {
        builder.ToTable("transfers", table =>
        {
            table.HasCheckConstraint("ck_transfers_amount", "amount > 0");
            table.HasCheckConstraint("ck_transfers_accounts", "debit <> credit");
        }).HasKey(t => t.Id);
        builder.Property(t => t.Kind).HasConversion<string>();
        builder.HasIndex(t => t.Key).IsUnique();
        builder.HasIndex(t => new { t.AdvertiserId, t.At });
        builder.HasIndex(t => t.LineId);
    }
}

internal sealed class CampaignConfiguration : IEntityTypeConfiguration<Campaign>
{
    public void Configure(EntityTypeBuilder<Campaign> builder)
    {
        builder.ToTable("campaigns", table => table.HasCheckConstraint("ck_campaigns_settled", "settled_micros >= 0 and (budget_micros is null or settled_micros <= budget_micros)"))
            .HasKey(c => c.Id);
        builder.Property(c => c.Objective).HasConversion<string>();
        builder.Property(c => c.Status).HasConversion<string>();
        builder.HasIndex(c => c.AdvertiserId);
    }
}

internal sealed class LineConfiguration : IEntityTypeConfiguration<Line>
{
    public void Configure(EntityTypeBuilder<Line> builder)
    {
        builder.ToTable("lines", table => table.HasCheckConstraint("ck_lines_settled", "settled_micros >= 0 and (budget_kind <> 'Lifetime' or settled_micros <= budget_micros)"))
            .HasKey(l => l.Id);
        builder.Property(l => l.Status).HasConversion<string>();
        builder.Property(l => l.BudgetKind).HasConversion<string>();
        builder.Property(l => l.Terms).AsJson();
        builder.HasIndex(l => l.CampaignId);
        builder.HasIndex(l => l.AdvertiserId);
        // Those that the planner looks at.
        builder.HasIndex(l => l.EndsAt, "ix_lines_planned").HasFilter("status = 'Active'");
    }
}

internal sealed class LineDayConfiguration : IEntityTypeConfiguration<LineDay>
{
    public void Configure(EntityTypeBuilder<LineDay> builder) =>
        builder.ToTable("line_days", table => table.HasCheckConstraint("ck_line_days_settled", "settled_micros >= 0 and (budget_micros is null or settled_micros <= budget_micros)"))
            .HasKey(d => new { d.LineId, d.Day });
}

internal sealed class LineCreativeConfiguration : IEntityTypeConfiguration<LineCreative>
{
    public void Configure(EntityTypeBuilder<LineCreative> builder)
    {
        builder.ToTable("line_creatives").HasKey(c => new { c.LineId, c.CreativeId });
        builder.HasIndex(c => c.CreativeId);
    }
}

internal sealed class CreativeConfiguration : IEntityTypeConfiguration<Creative>
{
    public void Configure(EntityTypeBuilder<Creative> builder)
    {
        builder.ToTable("creatives").HasKey(c => c.Id);
        builder.Property(c => c.State).HasConversion<string>();
        builder.Property(c => c.Lane).HasConversion<string>();
        builder.Property(c => c.Facts).AsJson();
        builder.Property(c => c.Media).AsJson();
        builder.HasIndex(c => c.AdvertiserId);
        builder.HasIndex(c => c.Digest);
        builder.HasIndex(c => c.UploadId).HasFilter("upload_id is not null");
        builder.HasIndex(c => c.ChangedAt, "ix_creatives_in_work").HasFilter("state in ('Processing', 'InReview')");
    }
}

internal sealed class ReviewConfiguration : IEntityTypeConfiguration<Review>
{
    public void Configure(EntityTypeBuilder<Review> builder)
    {
        builder.ToTable("reviews").HasKey(r => r.Id);
        builder.Property(r => r.Decision).HasConversion<string>();
        builder.PrimitiveCollection(r => r.Reasons).ElementType(reason => reason.HasConversion<string>());
        builder.HasIndex(r => r.CreativeId);
    }
}

internal sealed class OfferConfiguration : IEntityTypeConfiguration<StoredOffer>
{
    public void Configure(EntityTypeBuilder<StoredOffer> builder)
    {
        builder.ToTable("offers").HasKey(o => o.Id);
        builder.Ignore(o => o.Record);
        builder.Property(o => o.State).HasConversion<string>();
        builder.HasIndex(o => o.AdvertiserId);
    }
}

internal sealed class IssuedCatalogConfiguration : IEntityTypeConfiguration<IssuedCatalog>
{
    public void Configure(EntityTypeBuilder<IssuedCatalog> builder)
    {
        builder.ToTable("catalogs").HasKey(c => new { c.Cell, c.Epoch, c.Revision });
        builder.Ignore(c => c.Record);
        builder.HasIndex(c => c.Epoch);
    }
}

internal sealed class CellHourConfiguration : IEntityTypeConfiguration<CellHour>
{
    public void Configure(EntityTypeBuilder<CellHour> builder) => builder.ToTable("cell_hours").HasKey(h => new { h.Cell, h.Hour });
}

internal sealed class RecordQuotaConfiguration : IEntityTypeConfiguration<RecordQuota>
{
    public void Configure(EntityTypeBuilder<RecordQuota> builder) => builder.ToTable("record_quotas").HasKey(q => new { q.App, q.User, q.Day });
}

internal sealed class RecordPoolConfiguration : IEntityTypeConfiguration<RecordPool>
{
    public void Configure(EntityTypeBuilder<RecordPool> builder)
    {
        builder.ToTable("record_pools").HasKey(p => p.Id);
        builder.HasIndex(p => p.IsOpen, "ix_record_pools_open").IsUnique().HasFilter("is_open");
    }
}

internal sealed class ReportSecretConfiguration : IEntityTypeConfiguration<ReportSecret>
{
    public void Configure(EntityTypeBuilder<ReportSecret> builder)
    {
        builder.ToTable("report_secrets", table => table.HasCheckConstraint("ck_report_secrets_one", "id = 1")).HasKey(s => s.Id);
        builder.Property(s => s.Id).ValueGeneratedNever();
    }
}

internal sealed class CountedRecordConfiguration : IEntityTypeConfiguration<CountedRecord>
{
    public void Configure(EntityTypeBuilder<CountedRecord> builder)
    {
        builder.ToTable("counted_records").HasKey(r => r.Id);
        builder.HasIndex(r => r.Day);
    }
}

internal sealed class CountConfiguration : IEntityTypeConfiguration<Count>
{
    public void Configure(EntityTypeBuilder<Count> builder)
    {
        builder.ToTable("counts").HasKey(c => new { c.LineId, c.Hour, c.Cell, c.Creative, c.Counter });
        builder.HasIndex(c => c.Hour);
    }
}

internal sealed class AnsweredConfiguration : IEntityTypeConfiguration<Answered>
{
    public void Configure(EntityTypeBuilder<Answered> builder)
    {
        builder.ToTable("answered").HasKey(a => new { a.App, a.User, a.Key });
        builder.HasIndex(a => a.At);
    }
}
