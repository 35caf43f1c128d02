using NetVips;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Worker.Media;
using Stories.Worker.Rendering;
using static Stories.Tests.Media.HandMade;

namespace Stories.Tests.Media;

/// <summary>What is read from a HEIC or AVIF, and changed in it, before a decoder sees it: outside the sandbox, so no more than flags and names, in their place.</summary>
public sealed class HeifIndexTests
{
    private const int Mutants = 1000;
    private static readonly string[] Loosened = ["cdsc", "auxl", "thmb"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Those with something to be changed.</summary>
    public static TheoryData<string> Files => ["photo.heic", "photo-orientation-6.heic", "photo-tone-map.heic", "photo-second.heic", "photo-alpha.heic", "photo-hlg.avif"];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Whatever_an_index_says_nothing_beside_it_changes(string file)
    {
        var (start, index, end) = await PartsAsync(file);
        var changed = 0;
        for (var seed = 1u; seed <= Mutants; seed++)
        {
            var mutant = new Mutator(seed).Mutate(index, end);
            var whole = Join(start, Box("meta", mutant), end);
            var (tidied, _) = await TidyAsync(whole);
            AssertOnlyFlagsAndNames(whole, tidied, $"mutant {seed} of {file}");
            Assert.Equal(whole[..(start.Length + 8)], tidied[..(start.Length + 8)]);
            Assert.Equal(end, tidied[(start.Length + 8 + mutant.Length)..]);
            if (!tidied.AsSpan().SequenceEqual(whole)) changed++;
        }
        // What stops at the first doubt would change nothing anywhere.
        Assert.InRange(changed, Mutants / 10, Mutants);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Of_a_spoiled_file_no_more_changes_than_of_a_good_one(string file)
    {
        var whole = await File.ReadAllBytesAsync(Samples.PathOf(file), Cancel);
        for (var seed = 1u; seed <= Mutants; seed++)
        {
            var mutant = new Mutator(seed).Mutate(whole, whole);
            AssertOnlyFlagsAndNames(mutant, (await TidyAsync(mutant)).File, $"mutant {seed} of {file}");
        }
    }

    [Fact]
    public async Task What_belongs_to_two_pictures_is_loosened_and_all_but_the_one_to_be_shown_are_hidden()
    {
        var (start, index, end) = await PartsAsync("photo-tone-map.heic");
        var (tidied, picture) = await TidyAsync(Join(start, Box("meta", index), end));
        Assert.Equal(default, picture with { Colors = default });
        var boxes = Inside(tidied[start.Length..^end.Length], 12).ToDictionary(Name);
        // What a picture is made of stays: the decoder needs it.
        Assert.Equal(["free", "free", "free", "dimg"], Inside(boxes["iref"], 12).Select(Name));
        Assert.Equal([0, 1, 1, 1, 1], Inside(boxes["iinf"], 14).Select(item => (int)item[11]));
    }

    [Theory]
    [InlineData("photo.heic", false)]
    [InlineData("photo-second.heic", false)]
    [InlineData("photo-tone-map.heic", false)]
    [InlineData("photo-alpha.heic", true)]
    public async Task An_alpha_channel_is_that_of_the_picture_to_be_shown(string file, bool hasAlpha)
    {
        Assert.Equal(hasAlpha, (await TidyAsync(await File.ReadAllBytesAsync(Samples.PathOf(file), Cancel))).Picture.HasAlpha);
    }

    [Theory]
    [InlineData("photo-p3-by-numbers.heic", 12, 13)]
    [InlineData("photo-pq.heic", 9, 16)]
    [InlineData("photo-hlg.avif", 9, 18)]
    [InlineData("photo-tone-map.heic", 1, 13)] // not those of the tone map
    [InlineData("photo-display-p3.heic", 0, 0)]
    public async Task What_the_numbers_mean_is_that_of_the_picture_to_be_shown(string file, byte primaries, byte transfer)
    {
        Assert.Equal(new CodePoints(primaries, transfer), (await TidyAsync(await File.ReadAllBytesAsync(Samples.PathOf(file), Cancel))).Picture.Colors);
    }

    /// <summary>A photo of tiles has an item of its own for the whole.</summary>
    [Fact]
    public async Task What_the_numbers_of_tiles_mean_is_what_those_of_the_whole_do()
    {
        var (start, index, end) = await PartsAsync("photo-p3-by-numbers.heic");
        var photo = Edit(Join(start, Box("meta", index), end), "meta/iref", _ => Box("iref", Large32(0), Box("dimg", Large16(7, 2, 6, 1))));
        Assert.Equal(new CodePoints(12, 13), (await TidyAsync(Edit(photo, "meta/pitm", box => Overwrite(box, 12, Large16(7))))).Picture.Colors);
        // Its own come first: item 7 is given what the tile has, and the tile something else.
        var whole = Edit(photo, "meta/pitm", box => Overwrite(box, 12, Large16(7)));
        var own = Edit(whole, "meta/iprp/ipma", box => Box("ipma", Large32(0, 2), Large16(1), [1, 5], Large16(7), [1, 4]));
        own = Edit(own, "meta/iprp/ipco", box => Box("ipco", box[8..], Box("colr", Text("nclx"), Large16(9, 16, 9), [0])));
        Assert.Equal(new CodePoints(12, 13), (await TidyAsync(own)).Picture.Colors);
        Assert.Equal(default, (await TidyAsync(Edit(photo, "meta/pitm", box => Overwrite(box, 12, Large16(8))))).Picture.Colors);
    }

    [Theory]
    [InlineData("photo-alpha.heic", false)]
    [InlineData("photo-premultiplied.avif", true)]
    public async Task Whether_colors_were_multiplied_by_the_alpha_channel_is_known(string file, bool isPremultiplied)
    {
        var (_, picture) = await TidyAsync(await File.ReadAllBytesAsync(Samples.PathOf(file), Cancel));
        Assert.Equal((true, isPremultiplied), (picture.HasAlpha, picture.IsPremultiplied));
    }

    [Fact]
    public async Task The_alpha_channel_of_another_picture_is_none()
    {
        var photo = Edit(await File.ReadAllBytesAsync(Samples.PathOf("photo-alpha.heic"), Cancel), "meta/pitm", box => Overwrite(box, 12, Large16(2)));
        Assert.False((await TidyAsync(photo)).Picture.HasAlpha);
    }

    /// <summary>libvips has a newer decoder, which needs none of it: what it would lose is an alpha channel that belongs to two pictures.</summary>
    [Fact]
    public async Task What_is_only_read_is_left_as_it_is()
    {
        var photo = await File.ReadAllBytesAsync(Samples.PathOf("photo-premultiplied.avif"), Cancel);
        using var stream = new MemoryStream(photo.ToArray());
        Assert.True((await HeifIndex.ReadAsync(stream, tidy: false, Cancel)).HasAlpha);
        Assert.Equal(photo, stream.ToArray());
        Assert.NotEqual(photo, (await TidyAsync(photo)).File);
    }

    [Fact]
    public async Task An_index_that_is_too_large_or_points_to_nothing_or_breaks_off_is_left_as_it_is()
    {
        var (start, index, end) = await PartsAsync("photo-second.heic");
        Assert.NotEqual(Whole(index), (await TidyAsync(Whole(index))).File);
        byte[][] left =
        [
            Whole(Join(index, Box("free", new byte[1 << 20]))),
            Whole(Edit(Whole(index), "meta/pitm", _ => [])[(start.Length + 8)..^end.Length]),
            Whole(Edit(Whole(index), "meta/pitm", box => Overwrite(box, 12, Large16(0)))[(start.Length + 8)..^end.Length]),
            Whole(index)[..(start.Length + index.Length)],
            Whole(index)[..start.Length],
            [],
        ];
        foreach (var file in left) Assert.Equal(file, (await TidyAsync(file)).File);

        byte[] Whole(byte[] content) => Join(start, Box("meta", content), end);
    }

    /// <summary>All that the formats allow and phones do not write: numbers and lengths of twice the width, and the index at the end.</summary>
    [Fact]
    public async Task A_photo_with_wide_numbers_and_its_index_at_the_end_is_read_as_well()
    {
        var wide = Widened(await PartsAsync("photo-alpha.heic"));
        Assert.True((await TidyAsync(wide)).Picture.HasAlpha);
        await using var rig = await MediaRig.StartAsync(Cancel);
        foreach (var rendition in (await rig.RenderAsync(await Tools.WriteAsync(wide), Lane.Photo, Cancel)).All)
        {
            using var picture = Image.NewFromBuffer(rendition.Bytes);
            Assert.Equal((96, 64, true), (picture.Width, picture.Height, picture.HasAlpha()));
        }
    }

    private static byte[] Widened((byte[] Start, byte[] Index, byte[] End) photo)
    {
        var index = Join([photo.Index[..4], .. Inside(photo.Index, 4).Select(box => Name(box) switch
        {
            "pitm" => Box("pitm", Large32(1 << 24, 1)),
            // The pictures' bytes move to where the index was.
            "iloc" => Box("iloc", [box[8..16], .. box[16..].Chunk(14).Select(item => Overwrite(item, 6, Large32(Read(item, 6, 4) - photo.Index.Length - 8)))]),
            "iinf" => Box("iinf", [Large32(1 << 24, Read(box, 12, 2)), .. Inside(box, 14).Select(item => Wide("infe", Large32(3 << 24 | item[11], Read(item, 12, 2)), item[14..]))]),
            "iref" => Wide("iref", [Large32(1 << 24), .. Inside(box, 12).Select(item => Box(Name(item), Large32(Read(item, 8, 2)), Large16(1), Large32(Read(item, 12, 2))))]),
            "iprp" => Wide("iprp", Edit(box[8..], "ipma", Associations)),
            _ => box,
        })]);
        return Join(photo.Start, photo.End, Wide("meta", index));

        static byte[] Associations(byte[] box)
        {
            var parts = new List<byte[]> { Large32(1 << 24 | 1), box[12..16] };
            for (var at = 16; at < box.Length; at += 3 + box[at + 2])
                parts.AddRange([Large32(Read(box, at, 2)), [box[at + 2]], Large16(box.Skip(at + 3).Take(box[at + 2]).Select(property => (property & 0x80) << 8 | property & 0x7f))]);
            return Wide("ipma", [.. parts]);
        }
    }

    /// <summary>ISO 14496-12, section 4.2: a length of 1 says that the real one follows the name.</summary>
    private static byte[] Wide(string name, params IEnumerable<byte[]> parts)
    {
        var content = Join(parts);
        return Join(Large32(1), Text(name), Large32(0, content.Length + 16), content);
    }

    private static void AssertOnlyFlagsAndNames(byte[] before, byte[] after, string whose)
    {
        Assert.Equal(before.Length, after.Length);
        for (var at = 0; at < before.Length; at++)
        {
            if (before[at] == after[at]) continue;
            if (after.AsSpan(at).StartsWith("free"u8) && Loosened.Contains(Name(before[(at - 4)..]))) at += 3;
            else Assert.True(after[at] == (before[at] | 1), $"{whose}: {before[at]} became {after[at]} at {at}");
        }
    }

    private static async Task<(byte[] File, HeifPicture Picture)> TidyAsync(byte[] file)
    {
        // One that could grow.
        using var stream = new MemoryStream();
        await stream.WriteAsync(file, Cancel);
        var picture = await HeifIndex.ReadAsync(stream, tidy: true, Cancel);
        return (stream.ToArray(), picture);
    }

    /// <summary>What comes before the index, what is in it, and what comes behind it.</summary>
    private static async Task<(byte[] Start, byte[] Index, byte[] End)> PartsAsync(string file)
    {
        var whole = await File.ReadAllBytesAsync(Samples.PathOf(file), Cancel);
        var at = whole.AsSpan().IndexOf("meta"u8) + 4;
        var end = at - 8 + (int)Read(whole, at - 8, 4);
        return (whole[..(at - 8)], whole[at..end], whole[end..]);
    }

    private static string Name(byte[] box) => System.Text.Encoding.Latin1.GetString(box, 4, 4);

    private static IEnumerable<byte[]> Inside(byte[] box, int head)
    {
        for (var at = head; at + 8 <= box.Length; at += (int)Read(box, at, 4)) yield return box[at..(at + (int)Read(box, at, 4))];
    }

    private static long Read(byte[] bytes, int at, int width) => bytes.Skip(at).Take(width).Aggregate(0L, (number, part) => number << 8 | part);
}
