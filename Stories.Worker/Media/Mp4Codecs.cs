using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>The codec string of RFC 6381, which MediaSource wants exactly, from an MP4 of ours.</summary>
internal static class Mp4Codecs
{
    public static string Of(ReadOnlySpan<byte> start)
    {
        // ISO 14496-15: 'avcC', version 1, then profile, constraints and level, each one byte.
        var at = start.IndexOf("avcC"u8);
        if (at < 0 || at + 8 > start.Length || start[at + 4] != 1) throw new MediaRefusedException(MediaCodes.Damaged);
        var video = $"avc1.{Convert.ToHexStringLower(start.Slice(at + 5, 3))}";
        return start.IndexOf("mp4a"u8) < 0 ? video : $"{video}, mp4a.40.2";
    }
}
