namespace Stories.Client.Sessions;

/// <summary>What the command line tells a script.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Refused = 1;
    public const int Usage = 2;
    public const int Unreachable = 3;
    public const int NotGenuine = 4;
    public const int Failed = 5;

    public const string Help = "Exit codes: 0 done, 1 refused by the service, 2 wrong usage, 3 service not reachable, 4 something was not genuine, 5 a file could not be read or written.";
}
