using Stories.Core.Media;
using Stories.Protocol;
using Stories.Tests.Fixtures;
using Stories.Worker.Media;
using Stories.Worker.Rendering;

namespace Stories.Tests.Media;

public sealed class PhotoChildrenTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_child_serves_its_share_of_photos_and_is_then_replaced()
    {
        await using var rig = await MediaRig.StartAsync(Cancel, options => options.PhotosPerChild = 3);
        for (var photo = 1; photo <= 7; photo++)
        {
            await rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel);
            Assert.Equal((photo + 2) / 3, rig.Photos.Started);
        }
    }

    [Fact]
    public async Task A_child_that_died_while_it_waited_is_not_the_next_photos_fault()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        await rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel);
        var launcher = Assert.Single(rig.Photos.Idle);
        var family = ProcessTree.DescendantsOf(launcher);
        using (var child = System.Diagnostics.Process.GetProcessById(family.Single(p => p.Name == "dotnet").Id)) child.Kill();

        var outcome = await rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel);

        Assert.Equal(2, outcome.All.Count());
        Assert.Equal(2, rig.Photos.Started);
    }

    [Fact]
    public async Task A_refused_photo_leaves_the_child_fit_for_the_next()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        Assert.Equal(MediaCodes.TooManyPixels, await rig.RefusalAsync(Samples.PathOf("hostile-huge-header.png"), Lane.Photo, Cancel));
        await rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel);
        Assert.Equal(1, rig.Photos.Started);
    }

    [Fact]
    public async Task Photos_side_by_side_have_a_child_each_and_leave_no_process_behind()
    {
        List<LiveProcess> family;
        await using (var rig = await MediaRig.StartAsync(Cancel))
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel)));
            Assert.InRange(rig.Photos.Started, 1, 4);
            family = [.. rig.Photos.Idle.SelectMany(ProcessTree.DescendantsOf)];
            Assert.NotEmpty(family);
        }
        for (var wait = 0; wait < 100 && family.Any(process => process.IsAlive); wait++) await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Cancel);
        Assert.DoesNotContain(family, process => process.IsAlive);
    }

    /// <summary>Decoders that we never meant to have are shut, whatever the first bytes say.</summary>
    [Fact]
    public async Task Only_our_own_formats_can_be_opened_in_the_child()
    {
        await using var rig = await MediaRig.StartAsync(Cancel);
        byte[][] others =
        [
            [.. """<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>"""u8],
            await File.ReadAllBytesAsync(await Tools.MakeAsync("p.tiff", "-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1"), Cancel),
            await File.ReadAllBytesAsync(await Tools.MakeAsync("p.ppm", "-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1"), Cancel),
        ];
        foreach (var other in others)
        {
            var file = await Tools.WriteAsync(other);
            Assert.Equal(MediaCodes.Damaged, (await Assert.ThrowsAsync<MediaRefusedException>(() => rig.Photos.RenderAsync(file, new PhotoOrder(), Cancel))).Code);
        }
        Assert.Equal(1, rig.Photos.Started);
    }

    /// <summary>What it says in the place of "ready" is a block: its length, then text.</summary>
    [Fact]
    public async Task A_child_that_finds_its_loaders_wrong_is_heard_and_no_media_is_touched_from_then_on()
    {
        await using var rig = await MediaRig.StartAsync(Cancel, spoil: sandbox =>
            SandboxTests.Break(sandbox, "/dotnet/dotnet /app/Stories.Worker.dll render-child", "/usr/bin/printf '\\022\\0\\0\\0libvips opens TIFF'"));
        var trouble = await Assert.ThrowsAsync<SandboxFaultException>(() => rig.RenderAsync(Samples.Photo, Lane.Photo, Cancel));
        Assert.Contains("libvips opens TIFF", trouble.Message);
        Assert.Equal("libvips opens TIFF", rig.State.Fault);
        await Assert.ThrowsAsync<SandboxFaultException>(() => rig.RenderAsync(Samples.CompliantVideo, Lane.Video, Cancel));
        Assert.Equal(1, rig.Photos.Started);
    }

    /// <summary>Of several large processes the kernel takes any, so that a death says nothing of the photo unless it comes again.</summary>
    [Theory]
    [InlineData("photo-portrait-exif.jpg")]
    [InlineData("photo-pq.heic")]
    public async Task A_decoder_that_dies_while_memory_is_short_is_our_trouble_and_one_that_dies_again_the_photos(string photo)
    {
        var kernel = await Tools.WriteAsync("nr_free_pages 1\noom_kill 3\n"u8.ToArray());
        await using var rig = await MediaRig.StartAsync(Cancel, kernel: kernel, spoil: sandbox =>
        {
            SandboxTests.Break(sandbox, "/dotnet/dotnet /app/Stories.Worker.dll render-child", "/usr/bin/printf '\\024\\0\\0\\0stories-render-child'");
            SandboxTests.Break(sandbox, "program=/usr/bin/heif-convert", "program=/usr/bin/heif-convert; [ \"$1\" = -q ] && program=/bin/false");
        });
        await File.WriteAllTextAsync(kernel, "nr_free_pages 1\noom_kill 4\n", Cancel);

        var trouble = await Assert.ThrowsAsync<SandboxFaultException>(() => rig.RenderAsync(Samples.PathOf(photo), Lane.Photo, Cancel));
        Assert.True(trouble.IsOfFiles);
        Assert.Equal(MediaCodes.Damaged, await rig.RefusalAsync(Samples.PathOf(photo), Lane.Photo, Cancel));
    }

    [Fact]
    public void A_child_that_was_taken_over_adds_nothing_to_what_was_asked_for_and_leaves_nothing_out()
    {
        RenderedPhoto large = new(IsLarge: true, IsAvif: false, 1080, 1920, [1]), small = new(IsLarge: false, IsAvif: false, 540, 960, [2]), avif = large with { IsAvif = true };
        RenderedPhotos Photos(params RenderedPhoto[] photos) => new(photos, [], [], [], []);
        PhotoOrder usual = new(), withLook = new(WithLook: true);
        Assert.Equal(2, PhotoChildren.Verdict(usual, (null, Photos(large, small))).Photos.Count);

        foreach (var (order, answer) in new[] { (usual, Photos()), (usual, Photos(large)), (usual, Photos(large, avif)), (usual, Photos(large, small, avif)), (withLook, Photos(large, small)) })
            Assert.Equal(MediaCodes.Damaged, Assert.Throws<MediaRefusedException>(() => PhotoChildren.Verdict(order, (null, answer))).Code);
        Assert.Equal(MediaCodes.Damaged, Assert.Throws<MediaRefusedException>(() => PhotoChildren.Verdict(usual, ("a canary", Photos(large, small)))).Code);
        foreach (var lie in new[] { Photos(large, large), Photos(large with { Width = 1921 }, small), Photos(large, small with { Height = 0 }), Photos(large, small) with { Preview = new byte[20_000] } })
            Assert.Throws<InvalidDataException>(() => PhotoWire.ReadAnswer(PhotoWire.WriteAnswer(lie)));
    }

    [Fact]
    public void What_a_child_says_is_bounded_and_checked()
    {
        var answer = PhotoWire.WriteAnswer(new RenderedPhotos([new RenderedPhoto(IsLarge: true, IsAvif: false, 2, 3, [1, 2, 3])], [4], [new RenderedFrame(5, 6, 7, [8, 9])], [10], [11, 12]));
        var (refusal, rendered) = PhotoWire.ReadAnswer(answer);
        Assert.Null(refusal);
        Assert.Equal(("photo-1080", 2, 3), (rendered.Photos[0].Name, rendered.Photos[0].Width, rendered.Photos[0].Height));
        Assert.Equal([1, 2, 3], rendered.Photos[0].Bytes);
        Assert.Equal([4], rendered.Preview);
        Assert.Equal((5, 6, 7), (rendered.Frames[0].Delay, rendered.Frames[0].Width, rendered.Frames[0].Height));
        Assert.Equal([8, 9], rendered.Frames[0].Bytes);

        for (var length = 0; length < answer.Length; length++) Assert.Throws<InvalidDataException>(() => PhotoWire.ReadAnswer(answer[..length]));
        for (var at = 0; at < answer.Length; at++)
        {
            foreach (var value in (byte[])[0x00, 0x7f, 0x80, 0xff])
            {
                byte[] lie = [.. answer];
                lie[at] = value;
                Assert.True(Record.Exception(() => PhotoWire.ReadAnswer(lie)) is null or InvalidDataException);
            }
        }
    }
}
