namespace Stories.Core.Faults;

/// <summary>A processing key lives, and what wraps it is not in this worker's folder: not mounted here, not shared, or lost.</summary>
public sealed class KeyAwayException() : Exception("A processing key's wrapper is not here.");
