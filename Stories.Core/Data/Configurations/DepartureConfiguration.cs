using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Erasure;

namespace Stories.Core.Data.Configurations;

internal sealed class DepartureConfiguration : IEntityTypeConfiguration<Departure>
{
    public void Configure(EntityTypeBuilder<Departure> builder) => builder.ToTable("departures").HasKey(d => d.Id);
}
