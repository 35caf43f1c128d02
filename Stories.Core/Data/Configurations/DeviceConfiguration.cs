using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Apps;

namespace Stories.Core.Data.Configurations;

internal sealed class DeviceConfiguration : IEntityTypeConfiguration<Device>
{
    public void Configure(EntityTypeBuilder<Device> builder)
    {
        builder.ToTable("devices").HasKey(d => d.Id);
        builder.Ignore(d => d.Owner);
        builder.HasIndex(d => new { d.App, d.User });
    }
}
