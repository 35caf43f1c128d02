using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Stories.Core.Data;

/// <summary>For <c>dotnet ef migrations add</c>, which needs a model but no server.</summary>
internal sealed class DesignTimeStoriesDb : IDesignTimeDbContextFactory<StoriesDb>
{
    public StoriesDb CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<StoriesDb>().UseNpgsql("Host=none").Options);
}
