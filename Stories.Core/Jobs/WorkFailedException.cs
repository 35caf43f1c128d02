namespace Stories.Core.Jobs;

/// <summary>All that Hangfire's tables and dashboard are told of a failure.</summary>
/// <param name="code">Stable, and without anything of what was worked on.</param>
public sealed class WorkFailedException(string code) : Exception(code);
