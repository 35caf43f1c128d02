using Stories.Protocol;

namespace Stories.Client.Demo;

/// <summary>One part of the show, and what came of it.</summary>
/// <param name="What">Its name.</param>
/// <param name="Outcome">What was seen; what is wrong, when it failed.</param>
/// <param name="Succeeded">It came as expected.</param>
/// <param name="Times">Null when it did not come so far.</param>
/// <param name="Bytes">Of all renditions, as they were opened.</param>
internal sealed record Act(string What, string Outcome, bool Succeeded, ActTimes? Times = null, long? Bytes = null);

/// <summary>Where the time of an act went, in milliseconds; null for what it did not come to.</summary>
/// <param name="Encrypt">Padding and encrypting on the author's device.</param>
/// <param name="Upload">From there until the service accepted the story.</param>
/// <param name="Live">From accepted until viewers can see it; for a refused one, until it was refused.</param>
/// <param name="Open">Tray, keys, verification, and all renditions fetched, decrypted and verified; the checks with ffmpeg not counted.</param>
internal sealed record ActTimes(double Encrypt, double Upload, double? Live = null, double? Open = null);

/// <summary>A row of the samples' expected.json: what must come of a sample.</summary>
/// <param name="File">Its name in the folder of the samples.</param>
/// <param name="Lane">What it pretends to be.</param>
/// <param name="Code">Why it must be refused; null for a good one.</param>
/// <param name="Seconds">A video's length.</param>
/// <param name="Audio">A video has sound.</param>
/// <param name="Renditions">Width and height of each, by name.</param>
internal sealed record Expected(string File, Lane Lane, string? Code = null, double? Seconds = null, bool Audio = false, Dictionary<string, int[]>? Renditions = null);
