using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>The codec string of RFC 6381, which MediaSource wants exactly, from an MP4 of ours.</summary>
internal static class Mp4Codecs
{
    public static string Of(ReadOnlySpan<byte> start)
    {
        var index = Mp4Boxes.Index(start);
        // ISO 14496-15: 'avcC', version 1, then profile, constraints and level, each one byte.
        var at = index.IndexOf("avcC"u8);
        if (at < 0 || at + 8 > index.Length || index[at + 4] != 1) throw new MediaRefusedException(MediaCodes.Damaged);
        var video = $"avc1.{Convert.ToHexStringLower(index.Slice(at + 5, 3))}";
        return index.IndexOf("mp4a"u8) < 0 ? video : $"{video}, mp4a.40.2";
    }
}
