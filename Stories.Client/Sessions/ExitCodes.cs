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

    /// <summary>As shells say it: 128 and the number of the signal.</summary>
    public const int Interrupted = 130;

    public const string Help = """
        Exit codes:
          0    done
          1    refused by the service
          2    wrong usage
          3    the service cannot be reached
          4    something is not genuine: a signature, a digest, a key, an end of life
          5    a file cannot be read or written; in demo, a part of it failed
          130  interrupted
        """;
}
