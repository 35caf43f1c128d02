using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Stories.Core.Keys;

namespace Stories.Core.Data.Configurations;

internal sealed class ProcessingKeyConfiguration : IEntityTypeConfiguration<ProcessingKey>
{
    public void Configure(EntityTypeBuilder<ProcessingKey> builder) => builder.ToTable("processing_keys").HasKey(k => k.Id);
}
