using System.Buffers.Binary;
using System.Text;
using Stories.Core.Media;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using static Stories.Tests.Media.HandMade;

namespace Stories.Tests.Media;

/// <summary>What a hostile file tries to reach: a file outside and one beside it in scratch, and two ports that listen.</summary>
internal sealed record Bait(string File, string Neighbour, int TcpPort, int UdpPort)
{
    /// <summary>In both files; in no rendition.</summary>
    public const string Canary = "CANARY-OPENED";
}

/// <param name="Outcomes">
/// "live" or codes, any of which is right once the kind of file is taken at all. Of a kind that is not taken (MediaKinds) the
/// only right one is <see cref="MediaCodes.UnknownType"/>.
/// </param>
internal sealed record HostileFile(string Name, Lane Lane, string[] Outcomes, Func<Bait, Task<byte[]>> MakeAsync);

/// <summary>Files that were made to hurt. Each is written when a test asks for it: none lies in the repository.</summary>
internal static class HostileCorpus
{
    public const string Live = "live";
    private const string Unknown = MediaCodes.UnknownType;
    private const string Damaged = MediaCodes.Damaged;
    private const string TooManyPixels = MediaCodes.TooManyPixels;
    private const string CodecRefused = MediaCodes.PictureCodecRefused;
    private const string Limit = MediaCodes.Limit;

    private const string Entry = "moov/trak/mdia/minf/stbl/stsd";
    private static readonly byte[] Brand = Box("ftyp", Text("isom"), Large32(512), Text("isomavc1"));
    private static readonly byte[] MatroskaHead = Element(0x1a45dfa3, Element(0x4282, Text("webm")), Element(0x4287, [4]), Element(0x4285, [2]));

    /// <summary>What decoders of our ffmpeg would answer to in an MP4, and we never meant to run.</summary>
    private static readonly string[] RefusedCodecs = ["M8RG", "FFV1", "Hap1", "cvid", "SVQ3", "rle ", "rpza", "smc ", "8BPS", "tga ", "tiff", "gif ", "CFHD", "icod", "flic", "dvc ", "drac", "mx5p", "WRLE", "raw "];

    private static readonly (string Name, string Start)[] OtherPictures =
    [
        ("svg", "<svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/1999/xlink'><image x:href='file:///etc/passwd' width='9' height='9'/></svg>"),
        ("xml", "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><svg xmlns='http://www.w3.org/2000/svg'><text>&b;</text></svg>"),
        ("pdf", "%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>"),
        ("postscript", "%!PS-Adobe-3.0\n(/etc/passwd) (r) file"),
        ("tiff", "II*\0\x08\0\0\0\0\0\0\0\0\0"),
        ("big-tiff", "II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"),
        ("vips", "\xb6\xa6\xf2\x08\x40\0\0\0\x40\0\0\0\x03\0\0\0"),
        ("matlab", "MATLAB 5.0 MAT-file, Platform: GLNXA64"),
        ("netpbm", "P6 65535 65535 255\n"),
        ("radiance", "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 65535 +X 65535\n"),
        ("fits", "SIMPLE  =                    T / NAXIS"),
        ("jpeg-2000", "\0\0\0\x0cjP  \r\n\x87\n"),
        ("jpeg-xl", "\xff\n\xfa\x1f\x01"),
        ("exr", "v/1\x01\x02\0\0\0"),
        ("bitmap", "BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\xff\xff\0\0\xff\xff\0\0\x01\0\x18\0"),
        ("icon", "\0\0\x01\0\x01\0\0\0\0\0\x01\0\x18\0"),
        ("photoshop", "8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\xff\xff\0\0\xff\xff\0\x08\0\x03"),
        ("magick-script", "push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/'\npop graphic-context"),
    ];

    private static readonly (string Name, string[] Arguments)[] OtherVideos =
    [
        ("raw.h264", ["-c:v", "libx264", "-preset", "ultrafast"]),
        ("raw.hevc", ["-c:v", "libx265", "-x265-params", "log-level=none:pools=1", "-preset", "ultrafast"]),
        ("raw.yuv", ["-f", "rawvideo"]),
        ("raw.y4m", []),
        ("stream.ts", ["-c:v", "libx264", "-preset", "ultrafast"]),
        ("stream.mpg", ["-r", "25"]),
        ("flash.flv", []),
        ("theora.ogv", ["-c:v", "libtheora"]),
        ("magicyuv.avi", ["-c:v", "magicyuv", "-pix_fmt", "gbrp"]),
        ("mpeg4.avi", ["-c:v", "mpeg4"]),
        ("windows.wmv", []),
        ("vp8.ivf", ["-c:v", "libvpx"]),
        ("nut.nut", ["-c:v", "ffv1"]),
    ];

    public static IReadOnlyList<HostileFile> All { get; } =
    [
        .. Playlists(), .. References(), .. OtherFormats(), .. LargerThanTheyLook(), .. Times(), .. Boxes(), .. Polyglots(), .. Matroska(), .. Heifs(),
    ];

    /// <summary>Texts that make a player open something else.</summary>
    private static IEnumerable<HostileFile> Playlists()
    {
        static HostileFile Playlist(string name, Func<Bait, string> text) => new(name, Lane.Video, [Unknown], bait => Task.FromResult(Text(text(bait))));

        yield return Playlist("hls-file.mp4", bait => $"#EXTM3U\n#EXTINF:10,\nfile://{bait.File}\n{bait.Neighbour}\nconcat:{bait.File}|{bait.Neighbour}\n#EXT-X-ENDLIST\n");
        yield return Playlist("hls-network.mp4", HlsOf);
        yield return Playlist("hls-key.mp4", bait => $"#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"http://127.0.0.1:{bait.TcpPort}/key\"\n#EXTINF:10,\n{bait.Neighbour}\n#EXT-X-ENDLIST\n");
        yield return Playlist("concat.mp4", bait => $"ffconcat version 1.0\nfile '{bait.Neighbour}'\nfile '{bait.File}'\nfile 'tcp://127.0.0.1:{bait.TcpPort}'\n");
        yield return Playlist("session.sdp.mp4", bait => $"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {bait.UdpPort} RTP/AVP 96\na=rtpmap:96 H264/90000\n");
        yield return Playlist("dash.mp4", bait =>
            $"<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"><Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\"><BaseURL>http://127.0.0.1:{bait.TcpPort}/</BaseURL></Representation></AdaptationSet></Period></MPD>");
        yield return Playlist("smooth.mp4", bait => $"<SmoothStreamingMedia><StreamIndex Url=\"http://127.0.0.1:{bait.TcpPort}/{{start time}}\"/></SmoothStreamingMedia>");
        // A subtitle track that is a playlist (Emil Lerner and Pavel Cheremushkin, 2016).
        yield return new("gab2.avi.mp4", Lane.Video, [Unknown], bait => Task.FromResult(Riff("RIFF", Text("AVI "),
            Riff("LIST", Text("hdrl"), Riff("avih", Little32(40_000, 0, 0, 0, 1, 0, 1, 0, 320, 240, 0, 0, 0, 0)),
                Riff("LIST", Text("strl"), Riff("strh", Text("txts"), Little32(0, 0, 0, 0, 1, 25, 0, 1, 0, 0, 0, 0, 0)), Riff("strf", []))),
            Riff("LIST", Text("movi"), Riff("00tx", Text("GAB2\0"), Little16(2), Little32(2), Text("x\0"), Little16(4), Text(HlsOf(bait)))))));
        yield return new("hls-behind-a-brand.mp4", Lane.Video, [Damaged], bait => Task.FromResult(Join(Brand, Text(HlsOf(bait)))));
        yield return new("hls-in-the-media.mp4", Lane.Video, [Damaged, MediaCodes.NoPicture], bait => Task.FromResult(Join(Brand, Box("moov", Box("mvhd", new byte[100])), Box("mdat", Text(HlsOf(bait))))));
    }

    /// <summary>Media that is said to be elsewhere (ISO 14496-12, section 8.7.2, and QuickTime's aliases and reference movies).</summary>
    private static IEnumerable<HostileFile> References()
    {
        const string references = "moov/trak/mdia/minf/dinf/dref";
        static byte[] Url(string address) => Box("dref", Large32(0, 1), Box("url ", Large32(0), Text(address + "\0")));
        static byte[] Alias(string path) => Box("dref", Large32(0, 1), Box("alis", Large32(0), new byte[10], Padded("disk", 28), new byte[12], Padded(Path.GetFileName(path), 64),
            new byte[16], Large16(1, 1), new byte[16], Large16(2, path.Length), Text(path), new byte[path.Length % 2], Large16(-1, 0)));
        static byte[] Padded(string words, int length) => [(byte)words.Length, .. Text(words), .. new byte[length - 1 - words.Length]];

        yield return Video("reference-to-a-file.mp4", [Live, Damaged], (video, bait) => Edit(video, references, _ => Url($"file://{bait.File}")));
        yield return Video("reference-to-a-neighbour.mp4", [Live, Damaged], (video, bait) => Edit(video, references, _ => Url(bait.Neighbour)));
        yield return Video("reference-to-the-network.mp4", [Live, Damaged], (video, bait) => Edit(video, references, _ => Url($"http://127.0.0.1:{bait.TcpPort}/")));
        yield return Video("alias-to-a-file.mov", [Live, Damaged], (video, bait) => Edit(video, references, _ => Alias(bait.File)));
        yield return Video("alias-to-a-neighbour.mov", [Live, Damaged], (video, bait) => Edit(video, references, _ => Alias(bait.Neighbour)));
        yield return Video("reference-movie.mov", [Damaged, MediaCodes.NoPicture], (_, bait) => Join(
            Box("ftyp", Text("qt  "), Large32(512)), Box("moov", Box("rmra", Box("rmda", Box("rdrf", Large32(0), Text("url "), Large32(60), Padded($"http://127.0.0.1:{bait.TcpPort}/", 60))))), Box("mdat", new byte[8])));
    }

    private static IEnumerable<HostileFile> OtherFormats()
    {
        foreach (var (name, start) in OtherPictures)
        {
            yield return new($"{name}.jpg", Lane.Photo, [Unknown], _ => Task.FromResult(Join(Text(start), new byte[64])));
            yield return new($"{name}.mp4", Lane.Video, [Unknown], _ => Task.FromResult(Join(Text(start), new byte[64])));
        }
        foreach (var (name, arguments) in OtherVideos) yield return new($"{name}.mp4", Lane.Video, [Unknown], _ => EncodeAsync(name, arguments));
        // Autodesk's animations: a size, then a magic number in the middle of nowhere.
        yield return new("flic.mp4", Lane.Video, [Unknown], _ => Task.FromResult(Join(Little32(128), Little16(0xaf12, 1, 320, 200, 8, 3), new byte[112])));
        foreach (var codec in RefusedCodecs)
        {
            yield return Video($"codec-{codec.Trim()}.mp4", [CodecRefused], (video, _) => Edit(video, Entry, entry => IsPicture(entry) ? Overwrite(entry, 20, Text(codec)) : entry));
        }
        yield return new("encrypted.mp4", Lane.Video, [CodecRefused, Damaged], _ => EncodeAsync("e.mp4", "-c:v", "libx264",
            "-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "00112233445566778899aabbccddeeff", "-encryption_kid", "00112233445566778899aabbccddeeff"));
        // It only says that it is, so it can be read.
        yield return Video("said-to-be-encrypted.mp4", [Live, CodecRefused, Damaged], (video, _) => Edit(video, Entry, entry => !IsPicture(entry) ? entry : Box("stsd", entry[8..16],
            Box("encv", entry[24..], Box("sinf", Box("frma", Text("avc1")), Box("schm", Large32(0), Text("cenc"), Large32(0x10000)), Box("schi", Box("tenc", Large32(0), [0, 0, 1, 8], new byte[16])))))));
        yield return new("magicyuv.mkv", Lane.Video, [CodecRefused], _ => EncodeAsync("m.mkv", "-c:v", "magicyuv", "-pix_fmt", "gbrp"));
        yield return new("refused-sound.mp4", Lane.Video, [MediaCodes.SoundCodecRefused], _ => EncodeAsync("s.mov", "-f", "lavfi", "-i", "sine=duration=0.5", "-c:v", "libx264", "-c:a", "adpcm_ima_qt"));
        // AAC by its description, which is what counts.
        yield return new("sound-under-another-name.mp4", Lane.Video, [Live, CodecRefused], async _ => Edit(await BaseAsync(), Entry, entry => IsPicture(entry) ? entry : Overwrite(entry, 20, Text("QDM2"))));
    }

    /// <summary>A few bytes that announce, or unfold to, a great many.</summary>
    private static IEnumerable<HostileFile> LargerThanTheyLook()
    {
        static byte[] Large24(int number) => [(byte)number, (byte)(number >> 8), (byte)(number >> 16)];
        static byte[] Canvas(int width, int height, params byte[][] parts) =>
            Riff("RIFF", [Text("WEBP"), Riff("VP8X", [2, 0, 0, 0], Large24(width - 1), Large24(height - 1)), Riff("ANIM", Little32(0), Little16(0)), .. parts]);
        static byte[] Frame(byte[] picture) => Riff("ANMF", Large24(0), Large24(0), Large24(15), Large24(15), Large24(20), [0], picture);

        yield return Photo("png-of-65535.png", [TooManyPixels], () => Png(65_535, 65_535, 8, 2, Deflated(1000)));
        yield return Photo("png-of-nothing.png", [Damaged], () => Png(0, 0, 8, 2, Deflated(1000)));
        yield return Photo("png-of-minus-one.png", [Damaged, TooManyPixels], () => Png(-1, -1, 8, 2, Deflated(1000)));
        yield return Photo("png-of-400-megapixels.png", [TooManyPixels], () => Png(20_000, 20_000, 8, 0, Deflated(20_001L * 20_000)));
        yield return Photo("png-of-96-megapixels.png", [Live, Limit], () => Png(12_000, 8_000, 8, 2, Deflated(36_001L * 8_000)));
        yield return Photo("png-with-a-hundred-megabytes-of-words.png", [Live, Damaged], () => Png(64, 64, 8, 0, Deflated(65 * 64), Chunk("zTXt", Text("Comment\0\0"), Deflated(100_000_000))));
        yield return Photo("png-with-a-hundred-megabytes-of-profile.png", [Live, Damaged], () => Png(64, 64, 8, 0, Deflated(65 * 64), Chunk("iCCP", Text("x\0\0"), Deflated(100_000_000))));
        yield return Sample("jpeg-of-65535.jpg", "photo-grey.jpg", [TooManyPixels, Damaged], photo => Overwrite(photo, Find(photo, [0xff, 0xc0]) + 5, Large16(65_535, 65_535)));
        yield return Sample("jpeg-of-16384.jpg", "photo-grey.jpg", [TooManyPixels, Damaged], photo => Overwrite(photo, Find(photo, [0xff, 0xc0]) + 5, Large16(16_384, 16_384)));
        yield return Photo("jpeg-of-252-scans.jpg", [Live, Damaged, Limit], ManyScans);
        yield return Photo("webp-of-16383.webp", [TooManyPixels, Damaged], () => Canvas(16_383, 16_383));
        yield return Photo("webp-of-16-million.webp", [TooManyPixels, Damaged], () => Canvas(1 << 24, 1 << 24));
        yield return new("webp-of-10000-pictures.webp", Lane.Photo, [TooManyPixels, MediaCodes.TooLong, Damaged], async _ =>
        {
            var picture = (await EncodeAsync("p.webp", "-frames:v", "1", "-vf", "scale=16:16", "-c:v", "libwebp", "-lossless", "1"))[12..];
            return Canvas(16, 16, Repeated(10_000, Frame(picture)));
        });
        yield return Photo("gif-of-10000-pictures.gif", [TooManyPixels, MediaCodes.TooLong], () => Gif(1, 1, 10_000));
        // Its decoder believes no such screen, and shows the small pictures that are there.
        yield return Photo("gif-of-65535.gif", [Live, TooManyPixels, Damaged], () => Gif(65_535, 65_535, 1));
        yield return Photo("gif-of-100-large-pictures.gif", [Live, TooManyPixels, Damaged], () => Gif(16_000, 6_000, 100));
        yield return Sample("jpeg-with-a-megabyte-of-words.jpg", "photo-grey.jpg", [Live],
            photo => Join(photo[..2], Repeated(16, Segment(0xe1, Text("http://ns.adobe.com/xap/1.0/\0"), Repeated(5000, Text("CANARY-TAGS ")))), photo[2..]));
        yield return Video("mp4-with-a-megabyte-of-words.mp4", [Live], (video, _) => Edit(video, "moov", index => Box("moov", index[8..],
            Box("udta", Box("meta", Large32(0), Box("hdlr", Large32(0, 0), Text("mdir"), Large32(0, 0, 0), [0]), Box("ilst", Box("\u00a9nam", Box("data", Large32(1, 0), Repeated(90_000, Text("CANARY-TAGS "))))))))));
        yield return new("mp4-of-8192.mp4", Lane.Video, [TooManyPixels], _ => EncodeAsync("w.mp4", "-vf", "scale=8192:64", "-c:v", "libx264", "-preset", "ultrafast"));
    }

    private static IEnumerable<HostileFile> Times()
    {
        static Task<byte[]> DayAsync() => MakeAsync("day.mp4", "-f", "lavfi", "-i", "color=size=64x64:rate=1/43200", "-frames:v", "2", "-c:v", "libx264");
        // Both of their kinds keep the length in the same place as long as it fits 32 bits.
        static byte[] Short(byte[] box, int at) => Overwrite(box, at, Large32(1000));

        yield return new("a-day-in-two-pictures.mp4", Lane.Video, [MediaCodes.TooLong], _ => DayAsync());
        yield return new("a-day-that-says-it-is-short.mp4", Lane.Video, [MediaCodes.TooLong, Live, Damaged, Limit], async _ =>
            Edit(Edit(Edit(Edit(await DayAsync(), "moov/mvhd", box => Short(box, 24)), "moov/trak/tkhd", box => Short(box, 28)), "moov/trak/mdia/mdhd", box => Short(box, 24)), "moov/trak/edts", _ => []));
        // Where its sound is not taken, that is the first thing wrong with it.
        yield return new("a-day-of-silence.mp4", Lane.Video, [MediaCodes.TooLong, CodecRefused], _ => MakeAsync("silence.mp4",
            "-f", "lavfi", "-i", "color=size=64x64:rate=1:duration=1", "-f", "lavfi", "-i", "anullsrc=sample_rate=100:channel_layout=mono:duration=86400", "-c:v", "libx264", "-c:a", "pcm_u8", "-f", "mov"));
        yield return new("a-million-pictures-a-second.mp4", Lane.Video, [MediaCodes.FrameRateRefused], _ => MakeAsync("fast.mp4",
            "-f", "lavfi", "-i", "color=size=64x64:rate=1000000", "-frames:v", "50", "-video_track_timescale", "1000000", "-c:v", "libx264"));
        yield return Video("no-time-at-all.mp4", [Live, Damaged, MediaCodes.FrameRateRefused], (video, _) => Edit(video, "moov/trak/mdia/minf/stbl/stts", _ => Box("stts", Large32(0, 1, 1 << 30, 0))));
        yield return Video("time-runs-backwards.mp4", [Live, Damaged, MediaCodes.FrameRateRefused, MediaCodes.TooLong, Limit], (video, _) => Edit(video, "moov/trak/mdia/minf/stbl/stts", _ => Box("stts", Large32(0, 1, 15, -1000))));
        yield return Video("scale-of-nothing.mp4", [Live, Damaged, MediaCodes.FrameRateRefused, MediaCodes.TooLong], (video, _) => Edit(video, "moov/trak/mdia/mdhd", box => Overwrite(box, 20, Large32(0))));
        yield return Video("edited-to-a-year.mp4", [Live, Damaged, MediaCodes.TooLong, Limit], (video, _) => Edit(video, "moov/trak/edts/elst", _ => Box("elst", Large32(0, 2, 0x7fffffff, -1, 0x10000, 1000, 0, 0x10000))));
        yield return Video("edited-a-hundred-thousand-times.mp4", [Live, Damaged, MediaCodes.TooLong, Limit], (video, _) => Edit(video, "moov/trak/edts/elst", _ => Box("elst", Large32(0, 100_000), Repeated(100_000, Large32(1000, 0, 0x10000)))));
        yield return Video("empty-tracks.mp4", [Damaged, MediaCodes.NoPicture, MediaCodes.FrameRateRefused], (video, _) => Edit(video, "moov/trak/mdia/minf/stbl", Emptied));
        yield return Video("empty-sound.mp4", [Live, Damaged], (video, _) => Edit(video, "moov/trak/mdia/minf/stbl", table => Find(table, Text("mp4a"), orElse: -1) < 0 ? table : Emptied(table)));
        yield return Video("a-billion-samples.mp4", [Live, Damaged, Limit], (video, _) => Edit(video, "moov/trak/mdia/minf/stbl/stsz", _ => Box("stsz", Large32(0, 1, 1_000_000_000))));
    }

    private static IEnumerable<HostileFile> Boxes()
    {
        static byte[] Nested(string name, int depth)
        {
            var nested = Array.Empty<byte>();
            for (var level = 0; level < depth; level++) nested = Box(name, nested);
            return nested;
        }

        yield return Video("nested-index.mp4", [Damaged], (_, _) => Join(Brand, Nested("moov", 1000), Box("mdat", new byte[8])));
        yield return Video("nested-tracks.mp4", [Damaged, MediaCodes.NoPicture], (_, _) => Join(Brand, Box("moov", Nested("trak", 1000)), Box("mdat", new byte[8])));
        yield return Video("nested-user-data.mp4", [Live, Damaged], (video, _) => Edit(video, "moov", index => Box("moov", index[8..], Nested("udta", 1000))));
        yield return Video("index-without-length.mp4", [Live, Damaged], (video, _) => Overwrite(video, Find(video, Text("moov")) - 4, Large32(0)));
        yield return Video("media-of-2-to-the-64.mp4", [Damaged], (_, _) => Join(Brand, Large32(1), Text("mdat"), Large32(-1, -1), new byte[64]));
        yield return Video("media-of-minus-one.mp4", [Damaged], (_, _) => Join(Brand, Box("moov"), Large32(1), Text("mdat"), Large32(0x7fffffff, -1), new byte[64]));
        foreach (var length in (long[])[0, 1, 7, 0x7fffffff, -1])
            yield return Video($"track-of-{length}.mp4", [Live, Damaged, MediaCodes.NoPicture], (video, _) => Overwrite(video, Find(video, Text("trak")) - 4, Large32(length)));
        yield return Video("ten-thousand-tracks.mp4", [MediaCodes.TooManyStreams, Damaged], (video, _) => Edit(video, "moov", index => Box("moov", index[8..], Repeated(10_000, Part(index, "trak")))));
        yield return Video("nine-tracks.mp4", [MediaCodes.TooManyStreams], (video, _) => Edit(video, "moov", index => Box("moov", index[8..], Repeated(7, Part(index, "trak")))));
        yield return Video("ten-thousand-boxes.mp4", [Live, Damaged], (video, _) => Join(video, Repeated(10_000, Box("free"))));
        yield return Video("index-alone.mp4", [Damaged], (video, _) => Join(Brand, Part([.. new byte[8], .. video], "moov")));
    }

    /// <summary>Two things at once.</summary>
    private static IEnumerable<HostileFile> Polyglots()
    {
        const string script = "<html><script>CANARY-SCRIPT</script>";
        static byte[] Zip() => Join(Text("PK\x03\x04\x14\0\0\0\0\0"), new byte[16], Little16(1, 0), Text("x"), Text("PK\x05\x06"), new byte[18]);

        yield return Sample("page-in-a-photo.jpg", "photo-grey.jpg", [Live], photo => Join(photo[..2], Segment(0xfe, Text(script)), photo[2..]));
        yield return Sample("page-behind-a-photo.jpg", "photo-grey.jpg", [Live], photo => Join(photo, Text(script)));
        yield return Sample("page-before-a-photo.jpg", "photo-grey.jpg", [Unknown], photo => Join(Text(script), photo));
        yield return Sample("page-in-a-picture.png", "photo-palette.png", [Live, Damaged], photo => Join(photo, Text(script)));
        yield return Sample("archive-behind-a-photo.jpg", "photo-grey.jpg", [Live], photo => Join(photo, Zip(), Text("CANARY-ARCHIVE")));
        yield return Video("archive-in-a-video.mp4", [Live], (video, _) => Join(video, Box("free", Zip(), Text("CANARY-ARCHIVE"))));
        yield return Video("archive-behind-a-video.mp4", [Live, Damaged], (video, _) => Join(video, Zip(), Text("CANARY-ARCHIVE")));
        // A motion photo as Android phones take it: a photo, with a video of the same moment behind it.
        yield return new("motion-photo.jpg", Lane.Photo, [Live], async _ => Join(await SampleAsync("photo-orientation-1.jpg"), await SampleAsync("video-rotated-90.mp4")));
        yield return new("video-that-is-a-photo.mp4", Lane.Video, [MediaCodes.WrongLane], _ => SampleAsync("photo-grey.jpg"));
        yield return new("photos-in-a-row.jpg", Lane.Photo, [Live], async _ => Repeated(50, await SampleAsync("photo-grey.jpg")));
    }

    private static IEnumerable<HostileFile> Matroska()
    {
        static HostileFile Film(string name, string[] outcomes, Func<byte[], byte[]> change) => Sample(name, "video-vp8.webm", outcomes, change, Lane.Video);

        yield return Film("matroska-of-a-billion-years.webm", [Live, Damaged, MediaCodes.TooLong], film => Overwrite(film, Find(film, [0x44, 0x89, 0x88]) + 3, BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(BitConverter.DoubleToInt64Bits(1e18)))));
        yield return Film("matroska-of-no-number.webm", [Live, Damaged, MediaCodes.TooLong], film => Overwrite(film, Find(film, [0x44, 0x89, 0x88]) + 3, BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(BitConverter.DoubleToInt64Bits(double.NaN)))));
        yield return new("matroska-with-attachments.mkv", Lane.Video, [Live, MediaCodes.TooManyStreams], async bait =>
        {
            var words = await Tools.WriteAsync(Text("CANARY-ATTACHED"));
            return await MakeAsync("attached.mkv", ["-i", Samples.PathOf("video-mp3.mkv"), "-map", "0:v:0", "-map", "0:a", "-c", "copy",
                .. Enumerable.Range(0, 5).SelectMany(i => (string[])["-attach", words, $"-metadata:s:t:{i}", "mimetype=application/x-truetype-font", $"-metadata:s:t:{i}", $"filename=CANARY-{i}.ttf"])]);
        });
        yield return Made("matroska-of-nothing.mkv", [Damaged, MediaCodes.NoPicture, MediaCodes.PictureCodecRefused, Limit], () => Join(MatroskaHead, EndlessElement(0x18538067, Repeated(100_000, Element(0xec)))), Lane.Video);
        yield return Made("matroska-without-sizes.mkv", [Damaged, MediaCodes.NoPicture, MediaCodes.PictureCodecRefused, Limit], () => Join(MatroskaHead, EndlessElement(0x18538067, Repeated(10_000, EndlessElement(0x1f43b675, Element(0xe7, [0]))))), Lane.Video);
        yield return Made("matroska-of-nested-tags.mkv", [Damaged, MediaCodes.NoPicture, MediaCodes.PictureCodecRefused, Limit], () =>
        {
            var tag = Array.Empty<byte>();
            for (var level = 0; level < 1000; level++) tag = Element(0x67c8, tag);
            return Join(MatroskaHead, EndlessElement(0x18538067, Element(0x1254c367, Element(0x7373, tag))));
        }, Lane.Video);
    }

    private static IEnumerable<HostileFile> Heifs()
    {
        const string size = "meta/iprp/ipco/ispe";
        var sized = Box("ispe", Large32(0, 65_535, 65_535));
        var coded = Box("av1C", [0x81, 0, 0x0c, 0]);
        static byte[] Grid(int rows, int columns, int width, int height) => [0, 1, (byte)(rows - 1), (byte)(columns - 1), .. Large32(width, height)];

        foreach (var (kind, sample) in ((string, string)[])[("avif", "photo.avif"), ("heic", "photo.heic")])
            yield return Sample($"{kind}-of-65535.{kind}", sample, [TooManyPixels, Damaged], photo => Edit(photo, size, _ => sized));
        yield return Photo("avif-of-a-large-grid.avif", [TooManyPixels, Damaged], () => Heif("avif", [("grid", Grid(256, 256, 1 << 30, 1 << 30)), ("av01", new byte[64])], [sized, coded],
            [Box("dimg", Large16([1, 65_535, .. Enumerable.Repeat(2, 65_535)]))]));
        yield return Photo("avif-of-itself.avif", [TooManyPixels, Damaged, Limit], () => Heif("avif", [("grid", Grid(1, 1, 64, 64))], [Box("ispe", Large32(0, 64, 64))], [Box("dimg", Large16(1, 1, 1))]));
        yield return Photo("avif-in-a-circle.avif", [TooManyPixels, Damaged, Limit], () => Heif("avif", [("iden", []), ("iden", [])], [Box("ispe", Large32(0, 64, 64))], [Box("dimg", Large16(1, 1, 2)), Box("dimg", Large16(2, 1, 1))]));
        yield return Sample("avif-that-is-elsewhere.avif", "photo.avif", [Live, Damaged], photo => Edit(photo, "meta", meta => Box("meta", meta[8..], Box("dinf", Box("dref", Large32(0, 1), Box("url ", Large32(0), Text("neighbour\0")))))));
        yield return Photo("heic-of-ten-thousand-items.heic", [TooManyPixels, Damaged, Limit], () => Heif("heic", [.. Enumerable.Repeat(("hvc1", new byte[1]), 10_000)], [sized], []));
    }

    /// <summary>Names that end as ffmpeg's list of extensions wants them: it refuses the whole playlist for one that does not.</summary>
    private static string HlsOf(Bait bait) =>
        $"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:{bait.TcpPort}/media.ts\n#EXTINF:10,\nudp://127.0.0.1:{bait.UdpPort}/media.ts\n#EXTINF:10,\nrtp://127.0.0.1:{bait.UdpPort}/media.ts\n#EXT-X-ENDLIST\n";

    /// <summary>96 million pixels in scans of a hundred bytes: each is as good as any, and each goes through all of them.</summary>
    private static byte[] ManyScans()
    {
        const int width = 12_000, height = 8_000, blocks = width / 8 * (height / 8);
        static byte[] Scan(int from, int to, int high, int low, byte[] bits) => Join(Segment(0xda, [1, 1, 0, (byte)from, (byte)to, (byte)(high << 4 | low)]), bits);
        // One code of one bit: of no difference; of a run of 16,384 empty blocks and 14 bits' worth more, of which the bits are zero.
        var flat = new byte[blocks / 8 + 1];
        var empty = new byte[(blocks / 16_384 + 1) * 15 / 8 + 1];
        return Join([0xff, 0xd8],
            Segment(0xdb, [0, .. Enumerable.Repeat((byte)1, 64)]), Segment(0xc2, [8], Large16(height, width), [1, 1, 0x11, 0]),
            Segment(0xc4, [0, 1], new byte[15], [0]), Segment(0xc4, [0x10, 1], new byte[15], [0xe0]),
            Scan(0, 0, 0, 0, flat),
            Join(Enumerable.Range(1, 63).Select(k => Scan(k, k, 0, 3, empty))),
            Join(Enumerable.Range(0, 3).SelectMany(pass => Enumerable.Range(1, 63).Select(k => Scan(k, k, 3 - pass, 2 - pass, empty)))),
            [0xff, 0xd9]);
    }

    private static bool IsPicture(byte[] entry) => Encoding.Latin1.GetString(entry, 20, 4) == "avc1";

    /// <summary>A table of samples with what they are coded in, and no sample.</summary>
    private static byte[] Emptied(byte[] table) => Box("stbl", Part(table, "stsd"), Box("stts", Large32(0, 0)), Box("stsc", Large32(0, 0)), Box("stsz", Large32(0, 0, 0)), Box("stco", Large32(0, 0)));

    /// <summary>The first box of that name inside another.</summary>
    private static byte[] Part(byte[] box, string name)
    {
        byte[]? found = null;
        Edit(box[8..], name, part => found ??= part);
        return found!;
    }

    private static int Find(byte[] whole, byte[] part, int? orElse = null)
    {
        var at = whole.AsSpan().IndexOf(part);
        return at >= 0 ? at : orElse ?? throw new InvalidOperationException("A sample is not what it was.");
    }

    private static HostileFile Photo(string name, string[] outcomes, Func<byte[]> make) => Made(name, outcomes, make, Lane.Photo);

    private static HostileFile Made(string name, string[] outcomes, Func<byte[]> make, Lane lane) => new(name, lane, outcomes, _ => Task.Run(make));

    private static HostileFile Sample(string name, string sample, string[] outcomes, Func<byte[], byte[]> change, Lane lane = Lane.Photo) =>
        new(name, lane, outcomes, async _ => change(await SampleAsync(sample)));

    private static HostileFile Video(string name, string[] outcomes, Func<byte[], Bait, byte[]> change) =>
        new(name, Lane.Video, outcomes, async bait => change(await BaseAsync(), bait));

    /// <summary>H.264 and AAC, its index at the end: nothing moves when that grows.</summary>
    private static Task<byte[]> BaseAsync() => SampleAsync("video-h264.3gp");

    private static Task<byte[]> SampleAsync(string file) => File.ReadAllBytesAsync(Samples.PathOf(file), TestContext.Current.CancellationToken);

    private static Task<byte[]> EncodeAsync(string name, params string[] arguments) => MakeAsync(name, ["-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10:duration=0.5", .. arguments]);

    private static async Task<byte[]> MakeAsync(string name, params string[] arguments) =>
        await File.ReadAllBytesAsync(await Tools.MakeAsync(name, arguments), TestContext.Current.CancellationToken);
}
