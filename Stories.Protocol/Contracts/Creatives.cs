using System.Text.Json.Serialization;
using Stories.Protocol.Sponsored;

namespace Stories.Protocol.Contracts;

public sealed record CreativeRequest(CreativeFacts Facts);

/// <summary>What a creative is to be made of.</summary>
/// <param name="Upload">Of level <c>clear</c>, whole, and used by nothing else.</param>
/// <param name="Ciphertext">The upload's bytes: others are refused.</param>
public sealed record CreativeMaking([property: JsonRequired] Guid Upload, Digest Ciphertext);

/// <param name="Note">Why it should be looked at again, for the reviewer.</param>
public sealed record AppealRequest(string Note);

/// <param name="Reasons">At least one unless it is approved.</param>
/// <param name="Note">To the owner.</param>
public sealed record ReviewRequest([property: JsonRequired] ReviewDecision Decision, IReadOnlyList<ReviewReason>? Reasons = null, string? Note = null);

/// <param name="Digest">Over facts and media, once it is made.</param>
/// <param name="Code">Why it could not be made or, when it could, what is odd about it.</param>
/// <param name="Media">With addresses for the owner and reviewers, for some minutes.</param>
/// <param name="Reviews">Oldest first.</param>
public sealed record CreativeView(
    Guid Id, CreativeState State, CreativeFacts Facts, string? Digest, string? Code, IReadOnlyList<CatalogMedia> Media, IReadOnlyList<ReviewView> Reviews, DateTimeOffset CreatedAt, DateTimeOffset ChangedAt);

/// <param name="Decision">Null: its owner appealed. Who decided is not told.</param>
public sealed record ReviewView(ReviewDecision? Decision, IReadOnlyList<ReviewReason> Reasons, string? Note, DateTimeOffset At);

public sealed record CreativeList(IReadOnlyList<CreativeView> Creatives);

/// <summary>What is to be reviewed, longest waiting first.</summary>
public sealed record ReviewQueue(IReadOnlyList<ReviewItem> Creatives);

/// <param name="Advertiser">As it is shown, with the legal name.</param>
public sealed record ReviewItem(CreativeView Creative, string Advertiser, string LegalName, string Country);

/// <summary>A page of what was shown within the last year, newest first.</summary>
/// <param name="Before">For the next page, to be given as it is; null when there is none.</param>
public sealed record AdRepository(IReadOnlyList<RepositoryEntry> Entries, string? Before);

/// <summary>What article 39 of the Digital Services Act asks for. Nothing of who saw it.</summary>
/// <param name="Media">With addresses, for some minutes; none once it was erased.</param>
/// <param name="Shown">Valid showings in all; below 50 it is said to be 0.</param>
public sealed record RepositoryEntry(
    string Digest, CreativeFacts Facts, string Advertiser, string LegalName, IReadOnlyList<CatalogMedia> Media, DateTimeOffset FirstShownAt, DateTimeOffset LastShownAt, IReadOnlyList<RepositoryTargets> Targets, long Shown);

/// <param name="From">Of the line.</param>
public sealed record RepositoryTargets(DateTimeOffset From, DateTimeOffset To, IReadOnlyList<string> Apps, IReadOnlyList<string> Countries, IReadOnlyList<string> Languages, bool AdultsOnly);
