using Microsoft.EntityFrameworkCore;

namespace Stories.Tests.Architecture.Twins.Core.Apps;

internal sealed class KnowsTheDatabase
{
    // In a lambda, which the compiler moves to a class of its own.
    public static Func<DbContext, int> Save { get; } = db => db.SaveChanges();
}
