using System.Buffers.Binary;
using Stories.Worker.Confinement;
using Processor = System.Runtime.InteropServices.Architecture;

namespace Stories.Tests.Media;

/// <summary>The filter as the kernel would run it, for processors that this machine does not have as well.</summary>
public sealed class SyscallFilterTests
{
    private const uint OnX64 = 0xC000003E;
    private const uint OnArm64 = 0xC00000B7;
    private const uint On32Bit = 0x40000003;

    [Theory]
    [InlineData(OnX64, 0, "read", SyscallFilter.Allowed)]
    [InlineData(OnX64, 202, "futex", SyscallFilter.Allowed)]
    [InlineData(OnX64, 59, "execve", SyscallFilter.Allowed)]
    [InlineData(OnX64, 41, "socket", SyscallFilter.NotPermitted)]
    [InlineData(OnX64, 57, "fork", SyscallFilter.NotPermitted)]
    [InlineData(OnX64, 101, "ptrace", SyscallFilter.NotPermitted)]
    [InlineData(OnX64, 165, "mount", SyscallFilter.NotPermitted)]
    [InlineData(OnX64, 435, "clone3", SyscallFilter.NotThere)]
    [InlineData(OnX64, 470, "one that this filter does not know", SyscallFilter.NotThere)]
    [InlineData(OnX64, 0x40000029, "socket, as x32 calls it", SyscallFilter.NotThere)]
    [InlineData(On32Bit, 359, "socket, as 32 bits call it", SyscallFilter.Killed)]
    [InlineData(OnArm64, 63, "read", SyscallFilter.Allowed)]
    [InlineData(OnArm64, 221, "execve", SyscallFilter.Allowed)]
    [InlineData(OnArm64, 198, "socket", SyscallFilter.NotPermitted)]
    [InlineData(OnArm64, 117, "ptrace", SyscallFilter.NotPermitted)]
    [InlineData(OnArm64, 40, "mount", SyscallFilter.NotPermitted)]
    [InlineData(OnArm64, 435, "clone3", SyscallFilter.NotThere)]
    public void A_call_is_answered(uint processor, uint number, string name, uint answer) =>
        Assert.True(Run(FilterOf(processor), processor, number, 0) == answer, name);

    [Theory]
    [InlineData(OnX64, 56)]
    [InlineData(OnArm64, 220)]
    public void Clone_makes_threads_and_nothing_else(uint processor, uint clone)
    {
        // As pthread_create asks for it, and as fork does.
        Assert.Equal(SyscallFilter.Allowed, Run(FilterOf(processor), processor, clone, 0x3D0F00));
        Assert.Equal(SyscallFilter.NotPermitted, Run(FilterOf(processor), processor, clone, 0x1200011));
    }

    [Theory]
    [InlineData(OnX64)]
    [InlineData(OnArm64)]
    public void Every_call_of_the_list_is_refused(uint processor)
    {
        Assert.NotEmpty(SyscallFilter.Refusals);
        foreach (var refusal in SyscallFilter.Refusals)
            if ((processor == OnX64 ? refusal.X64 : refusal.Arm64) is { } number)
                Assert.Equal(refusal.Answer, Run(FilterOf(processor), processor, (uint)number, 0));
    }

    [Theory]
    [InlineData(OnX64, 62, 234, 302)]
    [InlineData(OnArm64, 129, 131, 261)]
    public void Signals_and_limits_are_a_processs_own(uint processor, uint kill, uint threadKill, uint limits)
    {
        const uint own = 4711;
        var filter = SyscallFilter.OwnProcessOnly(processor == OnArm64 ? Processor.Arm64 : Processor.X64, (int)own);
        // -1 is everybody, 0 the whole group.
        foreach (var other in (uint[])[0, 1, own + 1, uint.MaxValue, uint.MaxValue - own])
        {
            Assert.Equal(SyscallFilter.NotPermitted, Run(filter, processor, kill, other));
            Assert.Equal(SyscallFilter.NotPermitted, Run(filter, processor, threadKill, other));
        }
        Assert.Equal(SyscallFilter.Allowed, Run(filter, processor, kill, own));
        Assert.Equal(SyscallFilter.Allowed, Run(filter, processor, threadKill, own));
        Assert.Equal(SyscallFilter.Allowed, Run(filter, processor, limits, 0));
        Assert.Equal(SyscallFilter.NotPermitted, Run(filter, processor, limits, own + 1));
    }

    [Fact]
    public void Any_other_processor_gets_nothing_done()
    {
        const uint riscV = 0xC00000F3;
        var filter = SyscallFilter.Program(Processor.RiscV64, SyscallFilter.Refusals);
        for (uint number = 0; number < 500; number++) Assert.Equal(SyscallFilter.Killed, Run(filter, riscV, number, 0));
    }

    private static byte[] FilterOf(uint processor) =>
        SyscallFilter.Program(processor == OnArm64 ? Processor.Arm64 : Processor.X64, SyscallFilter.Refusals);

    /// <summary>Classic BPF, as much of it as is used (linux/filter.h).</summary>
    private static uint Run(byte[] filter, uint processor, uint number, uint argument)
    {
        uint loaded = 0;
        for (var at = 0; ; at++)
        {
            var step = filter.AsSpan(at * 8, 8);
            var value = BinaryPrimitives.ReadUInt32LittleEndian(step[4..]);
            switch (BinaryPrimitives.ReadUInt16LittleEndian(step))
            {
                case 0x20: loaded = value switch { 0 => number, 4 => processor, 16 => argument, _ => throw new InvalidDataException("There is nothing to load.") }; break;
                case 0x15: at += loaded == value ? step[2] : step[3]; break;
                case 0x25: at += loaded > value ? step[2] : step[3]; break;
                case 0x45: at += (loaded & value) != 0 ? step[2] : step[3]; break;
                case 0x06: return value;
                default: throw new InvalidDataException("This is no step of ours.");
            }
        }
    }
}
