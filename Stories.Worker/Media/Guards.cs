using Stories.Core.Media;

namespace Stories.Worker.Media;

/// <summary>Forced on every call of ffmpeg and ffprobe: what may be opened, however the file describes itself, and how much memory a frame may take.</summary>
internal static class Guards
{
    /// <summary>As ffmpeg calls its decoders; AV1's is dav1d, MP3's and AMR's have names of their own.</summary>
    private const string Decoders =
        "h264,hevc,vp8,vp9,libdav1d,mpeg4,mjpeg,aac,opus,vorbis,mp3float,amrnb,amrwb," +
        "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_u8,pcm_s8,pcm_alaw,pcm_mulaw";

    /// <summary>ffprobe fails if it may not open one track's decoder; subtitles and covers are left behind, not refused.</summary>
    private const string LeftBehind = ",mov_text,srt,subrip,ass,ssa,text,webvtt,pgssub,dvdsub,dvbsub,png,bmp,gif,webp";

    private const string Mp4 = "mov,mp4,m4a,3gp,3g2,mj2";
    private const string Matroska = "matroska,webm";

    public static string[] ForProbe(MediaKind kind) => Of(Decoders + LeftBehind, kind);

    public static string[] For(MediaKind kind) => Of(Decoders, kind);

    /// <summary>For pictures that our own render child has made.</summary>
    public static readonly string[] ForFrames = ["-protocol_whitelist", "file", "-format_whitelist", "mjpeg", "-codec_whitelist", "mjpeg", "-max_alloc", MostMemory, "-f", "mjpeg"];

    private const string MostMemory = "268435456";

    private static string[] Of(string decoders, MediaKind kind)
    {
        var (formats, demuxer) = kind == MediaKind.Matroska ? (Matroska, "matroska") : (Mp4, "mov");
        return ["-protocol_whitelist", "file", "-format_whitelist", formats, "-codec_whitelist", decoders, "-max_alloc", MostMemory, "-f", demuxer];
    }
}
