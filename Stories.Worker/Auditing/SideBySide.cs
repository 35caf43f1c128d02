using System.Runtime.CompilerServices;

namespace Stories.Worker.Auditing;

/// <summary>Two long lists in the same order, compared by name with one entry of each in memory.</summary>
internal static class SideBySide
{
    /// <returns>Pairs; null where one side has no entry of that name.</returns>
    /// <exception cref="InvalidOperationException">A list is out of order: everything behind that would seem to be missing.</exception>
    public static async IAsyncEnumerable<(TLeft? Left, TRight? Right)> ByName<TLeft, TRight>(
        IAsyncEnumerable<TLeft> left, Func<TLeft, string> leftName, IAsyncEnumerable<TRight> right, Func<TRight, string> rightName,
        [EnumeratorCancellation] CancellationToken cancellationToken)
        where TLeft : class
        where TRight : class
    {
        await using var lefts = InOrder(left, leftName, cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using var rights = InOrder(right, rightName, cancellationToken).GetAsyncEnumerator(cancellationToken);
        var one = await NextAsync(lefts);
        var other = await NextAsync(rights);
        while (one is not null || other is not null)
        {
            var order = one is null ? 1 : other is null ? -1 : string.CompareOrdinal(leftName(one), rightName(other));
            yield return (order <= 0 ? one : null, order >= 0 ? other : null);
            if (order <= 0) one = await NextAsync(lefts);
            if (order >= 0) other = await NextAsync(rights);
        }
    }

    private static async IAsyncEnumerable<T> InOrder<T>(IAsyncEnumerable<T> list, Func<T, string> name, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? last = null;
        await foreach (var entry in list.WithCancellation(cancellationToken))
        {
            if (last is not null && string.CompareOrdinal(last, name(entry)) > 0) throw new InvalidOperationException("A list is not in the order of its names.");
            last = name(entry);
            yield return entry;
        }
    }

    private static async ValueTask<T?> NextAsync<T>(IAsyncEnumerator<T> list) where T : class => await list.MoveNextAsync() ? list.Current : null;
}
