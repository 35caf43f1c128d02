using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Stories.Core.Apps;
using Stories.Core.Audiences;
using Stories.Core.Data.Configurations;
using Stories.Core.Erasure;
using Stories.Core.Keys;
using Stories.Core.Posting;
using Stories.Core.Sponsored;
using Stories.Core.Uploads;
using Stories.Core.Viewing;

namespace Stories.Core.Data;

/// <summary>The truth. Blobs and jobs are effects that can be redone from here.</summary>
public sealed class StoriesDb(DbContextOptions<StoriesDb> options) : DbContext(options), IDataProtectionKeyContext
{
    public DbSet<App> Apps => Set<App>();
    public DbSet<Device> Devices => Set<Device>();
    public DbSet<Audience> Audiences => Set<Audience>();
    public DbSet<AudienceMember> AudienceMembers => Set<AudienceMember>();
    public DbSet<AudienceEpoch> AudienceEpochs => Set<AudienceEpoch>();
    public DbSet<EpochEnvelopeRow> EpochEnvelopes => Set<EpochEnvelopeRow>();
    public DbSet<ProcessingKey> ProcessingKeys => Set<ProcessingKey>();
    public DbSet<ServiceKey> ServiceKeys => Set<ServiceKey>();
    public DbSet<Upload> Uploads => Set<Upload>();
    public DbSet<UploadBlock> UploadBlocks => Set<UploadBlock>();
    public DbSet<Bucket> Buckets => Set<Bucket>();
    public DbSet<ErasureLeaf> ErasureLeaves => Set<ErasureLeaf>();
    public DbSet<KeptRecord> ErasureRecords => Set<KeptRecord>();
    public DbSet<Departure> Departures => Set<Departure>();
    public DbSet<Takedown> Takedowns => Set<Takedown>();
    public DbSet<Story> Stories => Set<Story>();
    public DbSet<Rendition> Renditions => Set<Rendition>();
    public DbSet<Seen> Seen => Set<Seen>();
    public DbSet<Advertiser> Advertisers => Set<Advertiser>();
    public DbSet<Wallet> Wallets => Set<Wallet>();
    public DbSet<Transfer> Transfers => Set<Transfer>();
    public DbSet<Campaign> Campaigns => Set<Campaign>();
    public DbSet<Line> Lines => Set<Line>();
    public DbSet<LineDay> LineDays => Set<LineDay>();
    public DbSet<LineCreative> LineCreatives => Set<LineCreative>();
    public DbSet<Creative> Creatives => Set<Creative>();
    public DbSet<Review> Reviews => Set<Review>();
    public DbSet<StoredOffer> Offers => Set<StoredOffer>();
    public DbSet<IssuedCatalog> Catalogs => Set<IssuedCatalog>();
    public DbSet<CellHour> CellHours => Set<CellHour>();
    public DbSet<RecordQuota> RecordQuotas => Set<RecordQuota>();
    public DbSet<RecordPool> RecordPools => Set<RecordPool>();
    public DbSet<ReportSecret> ReportSecrets => Set<ReportSecret>();
    public DbSet<CountedRecord> CountedRecords => Set<CountedRecord>();
    public DbSet<Count> Counts => Set<Count>();
    public DbSet<Answered> Answered => Set<Answered>();
    public DbSet<DataProtectionKey> DataProtectionKeys => Set<DataProtectionKey>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.ApplyConfiguration(new AppConfiguration());
        modelBuilder.ApplyConfiguration(new DeviceConfiguration());
        modelBuilder.ApplyConfiguration(new AudienceConfiguration());
        modelBuilder.ApplyConfiguration(new AudienceMemberConfiguration());
        modelBuilder.ApplyConfiguration(new AudienceEpochConfiguration());
        modelBuilder.ApplyConfiguration(new EpochEnvelopeConfiguration());
        modelBuilder.ApplyConfiguration(new ProcessingKeyConfiguration());
        modelBuilder.ApplyConfiguration(new ServiceKeyConfiguration());
        modelBuilder.ApplyConfiguration(new UploadConfiguration());
        modelBuilder.ApplyConfiguration(new UploadBlockConfiguration());
        modelBuilder.ApplyConfiguration(new BucketConfiguration());
        modelBuilder.ApplyConfiguration(new ErasureLeafConfiguration());
        modelBuilder.ApplyConfiguration(new KeptRecordConfiguration());
        modelBuilder.ApplyConfiguration(new DepartureConfiguration());
        modelBuilder.ApplyConfiguration(new TakedownConfiguration());
        modelBuilder.ApplyConfiguration(new StoryConfiguration());
        modelBuilder.ApplyConfiguration(new RenditionConfiguration());
        modelBuilder.ApplyConfiguration(new SeenConfiguration());
        modelBuilder.ApplyConfiguration(new AdvertiserConfiguration());
        modelBuilder.ApplyConfiguration(new WalletConfiguration());
        modelBuilder.ApplyConfiguration(new TransferConfiguration());
        modelBuilder.ApplyConfiguration(new CampaignConfiguration());
        modelBuilder.ApplyConfiguration(new LineConfiguration());
        modelBuilder.ApplyConfiguration(new LineDayConfiguration());
        modelBuilder.ApplyConfiguration(new LineCreativeConfiguration());
        modelBuilder.ApplyConfiguration(new CreativeConfiguration());
        modelBuilder.ApplyConfiguration(new ReviewConfiguration());
        modelBuilder.ApplyConfiguration(new OfferConfiguration());
        modelBuilder.ApplyConfiguration(new IssuedCatalogConfiguration());
        modelBuilder.ApplyConfiguration(new CellHourConfiguration());
        modelBuilder.ApplyConfiguration(new RecordQuotaConfiguration());
        modelBuilder.ApplyConfiguration(new RecordPoolConfiguration());
        modelBuilder.ApplyConfiguration(new ReportSecretConfiguration());
        modelBuilder.ApplyConfiguration(new CountedRecordConfiguration());
        modelBuilder.ApplyConfiguration(new CountConfiguration());
        modelBuilder.ApplyConfiguration(new AnsweredConfiguration());
        modelBuilder.Entity<DataProtectionKey>().ToTable("data_protection_keys");
        SnakeCase.Apply(modelBuilder);
    }
}
