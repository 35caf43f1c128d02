namespace Stories.Protocol.Sponsored;

/// <summary>How much a person is shown; the device keeps it.</summary>
/// <param name="FirstPeople">People whose statuses were seen in the session before the first.</param>
/// <param name="FirstSeconds">Seconds of the session before the first.</param>
/// <param name="PeopleBetween">People between two.</param>
/// <param name="SecondsBetween">Seconds between two.</param>
/// <param name="PerSession">At most so many in a session.</param>
/// <param name="PerDay">At most so many in 24 hours.</param>
/// <param name="MaxPerMille">Of all statuses shown in a session, sponsored ones included.</param>
/// <param name="AdsApart">So many others lie between two of the same advertiser or category.</param>
/// <param name="SkipsBeforeDoubling">After so many skips under a second, distances double for the session; 0: never.</param>
/// <param name="Caps">For all sponsored statuses, beside those of a line.</param>
public sealed record AdPolicy(
    int FirstPeople = 3,
    int FirstSeconds = 20,
    int PeopleBetween = 4,
    int SecondsBetween = 45,
    int PerSession = 3,
    int PerDay = 20,
    int MaxPerMille = 150,
    int AdsApart = 1,
    int SkipsBeforeDoubling = 2,
    IReadOnlyList<Cap>? Caps = null)
{
    private const int Most = 1_000_000;

    /// <returns>Which field is wrong, or null.</returns>
    public string? FindFault() => this switch
    {
        // Never first: there is somebody before it.
        { FirstPeople: < 1 or > Most } => nameof(FirstPeople),
        { FirstSeconds: < 0 or > Most } => nameof(FirstSeconds),
        // Never two in a row.
        { PeopleBetween: < 1 or > Most } => nameof(PeopleBetween),
        { SecondsBetween: < 0 or > Most } => nameof(SecondsBetween),
        { PerSession: < 0 or > Most } => nameof(PerSession),
        { PerDay: < 0 or > Most } => nameof(PerDay),
        { MaxPerMille: < 0 or > 1000 } => nameof(MaxPerMille),
        { AdsApart: < 0 or > 100 } => nameof(AdsApart),
        { SkipsBeforeDoubling: < 0 or > Most } => nameof(SkipsBeforeDoubling),
        { Caps: { } caps } when caps.Any(c => c is not { Most: >= 0, Seconds: > 0 and <= Cap.MaxSeconds } || !Enum.IsDefined(c.Level)) => nameof(Caps),
        _ => null,
    };
}
