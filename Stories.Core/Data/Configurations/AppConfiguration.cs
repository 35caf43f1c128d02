using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Apps;

namespace Stories.Core.Data.Configurations;

internal sealed class AppConfiguration : IEntityTypeConfiguration<App>
{
    public void Configure(EntityTypeBuilder<App> builder)
    {
        builder.ToTable("apps").HasKey(a => a.Id);
        builder.HasIndex(a => new { a.Issuer, a.TokenAudience }).IsUnique();
    }
}
