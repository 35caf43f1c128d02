using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Stories.Worker.Confinement;

/// <summary>A system call that no decoder gets, by its number on x86-64 and on 64-bit ARM; null where there is no such call.</summary>
/// <param name="AllowedWith">A flag in the first argument with which it is allowed all the same.</param>
internal sealed record Refusal(string Name, int? X64, int? Arm64, uint AllowedWith = 0, uint Answer = SyscallFilter.NotPermitted);

/// <summary>
/// What a decoder cannot ask the kernel for, as a seccomp filter (classic BPF, see seccomp(2)). A list of what is refused and not
/// of what is allowed: what libc, ffmpeg, libvips and .NET call differs between versions, and an allow-list that an update of
/// Debian outgrows would make every photo look damaged. Calls newer than this list are answered as a kernel without them would,
/// so the list cannot be outgrown from the other side.
/// The kernel remembers for each number that has a fixed answer what it is, so the length costs nothing.
/// </summary>
internal static class SyscallFilter
{
    public const uint NotPermitted = 0x50001;
    public const uint NotThere = 0x50026;
    public const uint Allowed = 0x7fff0000;
    public const uint Killed = 0x80000000;

    /// <summary>file_setattr, Linux 6.17. x86-64 numbers of the x32 kind have bit 30 set and so lie beyond it.</summary>
    private const uint Newest = 469;

    private const uint AsThread = 0x10000;

    private const ushort Load = 0x20;
    private const ushort IfEqual = 0x15;
    private const ushort IfGreater = 0x25;
    private const ushort IfSet = 0x45;
    private const ushort Return = 0x06;

    // struct seccomp_data. Both processors are little-endian, and no call here takes more than 32 bits of its first argument.
    private const uint NumberAt = 0;
    private const uint ProcessorAt = 4;
    private const uint ArgumentAt = 16;

    public static IReadOnlyList<Refusal> Refusals { get; } =
    [
        // A process of its own. Root is not bound by RLIMIT_NPROC. clone3 hides its flags from a filter; libc then falls back to clone.
        new("fork", 57, null), new("vfork", 58, null), new("clone", 56, 220, AllowedWith: AsThread), new("clone3", 435, 435, Answer: NotThere),
        // Leaving the process group that is killed.
        new("setsid", 112, 157), new("setpgid", 109, 154),
        // Others' processes. Not sched_setaffinity: .NET sets its own, and does not start without it.
        new("ptrace", 101, 117), new("process_vm_readv", 310, 270), new("process_vm_writev", 311, 271), new("process_madvise", 440, 440),
        new("process_mrelease", 448, 448), new("kcmp", 312, 272), new("pidfd_open", 434, 434), new("pidfd_getfd", 438, 438),
        new("pidfd_send_signal", 424, 424), new("tkill", 200, 130), new("rt_sigqueueinfo", 129, 138), new("rt_tgsigqueueinfo", 297, 240),
        new("setpriority", 141, 140), new("ioprio_set", 251, 30), new("sched_setattr", 314, 274), new("sched_setparam", 142, 118),
        new("sched_setscheduler", 144, 119), new("migrate_pages", 256, 238), new("move_pages", 279, 239),
        // Sockets.
        new("socket", 41, 198), new("socketpair", 53, 199), new("bind", 49, 200), new("connect", 42, 203), new("listen", 50, 201),
        new("accept", 43, 202), new("accept4", 288, 242),
        // What System V and POSIX share between processes.
        new("shmget", 29, 194), new("shmat", 30, 196), new("shmctl", 31, 195), new("semget", 64, 190), new("semop", 65, 193),
        new("semtimedop", 220, 192), new("semctl", 66, 191), new("msgget", 68, 186), new("msgsnd", 69, 189), new("msgrcv", 70, 188),
        new("msgctl", 71, 187), new("mq_open", 240, 180), new("mq_unlink", 241, 181),
        // Changes to files that Landlock does not see, and files that are none.
        new("truncate", 76, 45), new("chmod", 90, null), new("fchmod", 91, 52), new("fchmodat", 268, 53), new("fchmodat2", 452, 452),
        new("chown", 92, null), new("fchown", 93, 55), new("lchown", 94, null), new("fchownat", 260, 54), new("utime", 132, null),
        new("utimes", 235, null), new("futimesat", 261, null), new("utimensat", 280, 88), new("setxattr", 188, 5), new("lsetxattr", 189, 6),
        new("fsetxattr", 190, 7), new("setxattrat", 463, 463), new("removexattr", 197, 14), new("lremovexattr", 198, 15),
        new("fremovexattr", 199, 16), new("removexattrat", 466, 466), new("file_setattr", 469, 469), new("mknod", 133, null),
        new("mknodat", 259, 33), new("name_to_handle_at", 303, 264), new("open_by_handle_at", 304, 265),
        // Links, through which we would write or read for a decoder, and folders that we cannot clear up.
        new("symlink", 88, null), new("symlinkat", 266, 36), new("link", 86, null), new("linkat", 265, 37), new("mkdir", 83, null), new("mkdirat", 258, 34),
        // Watching what others do with files.
        new("inotify_init", 253, null), new("inotify_init1", 294, 26), new("inotify_add_watch", 254, 27), new("fanotify_init", 300, 262),
        new("fanotify_mark", 301, 263),
        // Namespaces and mounts.
        new("unshare", 272, 97), new("setns", 308, 268), new("mount", 165, 40), new("umount2", 166, 39), new("pivot_root", 155, 41),
        new("chroot", 161, 51), new("move_mount", 429, 429), new("open_tree", 428, 428), new("open_tree_attr", 467, 467), new("fsopen", 430, 430),
        new("fsconfig", 431, 431), new("fsmount", 432, 432), new("fspick", 433, 433), new("mount_setattr", 442, 442), new("statmount", 457, 457),
        new("listmount", 458, 458), new("quotactl", 179, 60), new("quotactl_fd", 443, 443), new("swapon", 167, 224), new("swapoff", 168, 225),
        // Keys of the kernel's keyrings, which no namespace parts.
        new("keyctl", 250, 219), new("add_key", 248, 217), new("request_key", 249, 218),
        // Where most ways into the kernel have been found.
        new("bpf", 321, 280), new("perf_event_open", 298, 241), new("userfaultfd", 323, 282), new("io_uring_setup", 425, 425),
        new("io_uring_enter", 426, 426), new("io_uring_register", 427, 427), new("io_setup", 206, 0), new("io_submit", 209, 2), new("vmsplice", 278, 75),
        // The machine.
        new("kexec_load", 246, 104), new("kexec_file_load", 320, 294), new("reboot", 169, 142), new("init_module", 175, 105),
        new("finit_module", 313, 273), new("delete_module", 176, 106), new("acct", 163, 89), new("syslog", 103, 116), new("settimeofday", 164, 170),
        new("clock_settime", 227, 112), new("adjtimex", 159, 171), new("clock_adjtime", 305, 266), new("sethostname", 170, 161),
        new("setdomainname", 171, 162), new("vhangup", 153, 58), new("iopl", 172, null), new("ioperm", 173, null), new("modify_ldt", 154, null),
        new("personality", 135, 92), new("lookup_dcookie", 212, 18), new("uselib", 134, null), new("ustat", 136, null), new("sysfs", 139, null),
        new("_sysctl", 156, null), new("nfsservctl", 180, 42),
    ];

    /// <returns>For any other processor, and for calls of another kind than this one's, a filter that kills.</returns>
    public static byte[] Program(Architecture processor, IEnumerable<Refusal> refusals)
    {
        var steps = Start(processor);
        steps.AddRange(Answer(IfGreater, Newest, NotThere));
        foreach (var refusal in refusals)
        {
            if ((processor == Architecture.X64 ? refusal.X64 : refusal.Arm64) is not { } number) continue;
            if (refusal.AllowedWith == 0) steps.AddRange(Answer(IfEqual, (uint)number, refusal.Answer));
            else steps.AddRange(ByArgument((uint)number, IfSet, refusal.AllowedWith));
        }
        steps.Add(new Step(Return, 0, 0, Allowed));
        return Bytes(steps);
    }

    /// <summary>
    /// For where there is no process namespace: signals reach this process only, not even its group, in which those are that end
    /// it; limits are its own, whose number here is 0.
    /// </summary>
    public static byte[] OwnProcessOnly(Architecture processor, int process)
    {
        (uint Kill, uint ThreadKill, uint Limits) numbers = processor == Architecture.X64 ? (62u, 234u, 302u) : (129u, 131u, 261u);
        return Bytes(
        [
            .. Start(processor),
            .. ByArgument(numbers.Kill, IfEqual, (uint)process),
            .. ByArgument(numbers.ThreadKill, IfEqual, (uint)process),
            .. ByArgument(numbers.Limits, IfEqual, 0),
            new Step(Return, 0, 0, Allowed),
        ]);
    }

    private static List<Step> Start(Architecture processor) =>
    [
        new(Load, 0, 0, ProcessorAt),
        // AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64; 0 is none.
        new(IfEqual, 1, 0, processor switch { Architecture.X64 => 0xC000003E, Architecture.Arm64 => 0xC00000B7, _ => 0 }),
        new(Return, 0, 0, Killed),
        new(Load, 0, 0, NumberAt),
    ];

    private static Step[] Answer(ushort test, uint value, uint answer) => [new(test, 0, 1, value), new(Return, 0, 0, answer)];

    /// <summary>Whoever gets past it still has the call's number loaded.</summary>
    private static Step[] ByArgument(uint number, ushort test, uint value) =>
    [
        new(IfEqual, 0, 4, number), new(Load, 0, 0, ArgumentAt), new(test, 1, 0, value), new(Return, 0, 0, NotPermitted), new(Return, 0, 0, Allowed),
    ];

    /// <summary>struct sock_filter, one after the other.</summary>
    private static byte[] Bytes(List<Step> steps)
    {
        var bytes = new byte[steps.Count * 8];
        for (var i = 0; i < steps.Count; i++)
        {
            var at = bytes.AsSpan(i * 8, 8);
            BinaryPrimitives.WriteUInt16LittleEndian(at, steps[i].Code);
            at[2] = steps[i].IfTrue;
            at[3] = steps[i].IfFalse;
            BinaryPrimitives.WriteUInt32LittleEndian(at[4..], steps[i].Value);
        }
        return bytes;
    }

    private readonly record struct Step(ushort Code, byte IfTrue, byte IfFalse, uint Value);
}
