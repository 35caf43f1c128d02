#!/usr/bin/setsid /bin/sh
# Runs one decoder with nothing in reach: no network, no files but its working folder, no environment, no second process,
# bounded resources. Called under the decoder's name, from the folder that Sandbox.cs makes. It has a session and a process group
# of its own: one kill reaches all of it, and Ctrl-C at the worker's terminal does not.
#
# Nothing here survives the worker. The worker holds a lock on the file "lifeline" for as long as it lives, and the kernel lets
# go of it however the worker ends; whoever gets that lock knows that the worker is no more. It does not matter which thread of
# the worker started us, or when it ended. bubblewrap dies with this shell, which has one thread only.
folder=${0%/*}
tool=${0##*/}
# Sets walls, lifeline, scratch, ffmpeg_folder, file_blocks, cpu_seconds, app_folder, dotnet_folder.
. "$folder/settings"
# One byte: that of 0 does not keep a core dump from a program that the kernel pipes it to, and this does (core(5), fs/coredump.c).
prlimit --core=1:1 --pid $$
ulimit -n 256
exec 3<&0 </dev/null

(
    flock --shared "$lifeline" true
    kill -KILL 0
) >/dev/null 2>&1 3<&- &

case $tool in
render-child)
    # Photos come by stdin, and its end is the child's end. .NET reserves far more addresses than it uses; what is really written
    # is bounded instead.
    ulimit -d 3145728
    ;;
ffmpeg | ffprobe | heif-convert | check)
    # FFMpegCore cancels by sending a "q": anything that comes by stdin means stop, and so does its end. Only when it asks for
    # the version, once, it gives no stdin.
    [ "$*" = -version ] || (
        head -c 1
        kill -KILL 0
    ) <&3 >/dev/null 2>&1 3<&- &
    exec 3</dev/null
    case $tool in
    check) program=/bin/bash ;;
    heif-convert) program=/usr/bin/heif-convert ;;
    *) program=$ffmpeg_folder/$tool ;;
    esac
    set -- "$program" "$@"
    ulimit -v 4194304
    ulimit -t "$cpu_seconds"
    ulimit -f "$file_blocks"
    ;;
*)
    exit 64
    ;;
esac
work=$(pwd -P)

environment="--setenv PATH /usr/bin --setenv DOTNET_EnableDiagnostics 0 --setenv DOTNET_TieredPGO 0 --setenv DOTNET_gcServer 0 --setenv DOTNET_gcConcurrent 0 --setenv MALLOC_ARENA_MAX 2 --setenv VIPS_CONCURRENCY 1"
# Debian's ffmpeg finds its linear algebra by way of /etc/alternatives.
libraries="/etc/ld.so.cache /etc/alternatives"

case $walls in
bubblewrap)
    case $tool in
    render-child)
        # The program is all that is to be seen, without its settings.
        set -- --ro-bind "$app_folder" /app
        for file in "$app_folder"/appsettings*.json; do
            [ -e "$file" ] && set -- "$@" --ro-bind /dev/null "/app/${file##*/}"
        done
        set -- "$@" --ro-bind "$dotnet_folder" /dotnet --remount-ro / --chdir /tmp /dotnet/dotnet /app/Stories.Worker.dll render-child
        ;;
    *)
        case $work in
        "$scratch"/*) set -- --bind "$work" /scratch --remount-ro / --chdir /scratch "$@" ;;
        *) set -- --remount-ro / --chdir /tmp "$@" ;;
        esac
        ;;
    esac
    for link in bin lib lib64 sbin; do
        if [ -L "/$link" ]; then set -- --symlink "usr/$link" "/$link" "$@"; elif [ -d "/$link" ]; then set -- --ro-bind "/$link" "/$link" "$@"; fi
    done
    for file in $libraries; do
        [ -e "$file" ] && set -- --ro-bind "$file" "$file" "$@"
    done
    set -- /usr/bin/bwrap --unshare-user --unshare-all --disable-userns --die-with-parent --new-session --cap-drop ALL --clearenv $environment \
        --uid 65534 --gid 65534 --hostname sandbox --ro-bind /usr /usr --proc /proc --dev /dev --remount-ro /dev --size 16777216 --tmpfs /tmp \
        --seccomp 4 "$@"
    ;;
Landlock)
    # Where bubblewrap may not make namespaces. What can be opened is the same, but that there is no /tmp, and no /proc but what .NET
    # reads of itself and of the machine. Names, sizes and times of files can be asked for, and numbers of processes; the filter keeps
    # a decoder from doing anything with them.
    case $tool in
    render-child)
        cd /
        set -- --read "$dotnet_folder" --read /proc/self --read /proc/meminfo "$dotnet_folder/dotnet" "$app_folder/Stories.Worker.dll" render-child
        for file in "$app_folder"/*; do
            case ${file##*/} in appsettings*.json) ;; *) set -- --read "$file" "$@" ;; esac
        done
        ;;
    *)
        case $work in
        "$scratch"/*) set -- --write "$work" "$@" ;;
        *) cd / ;;
        esac
        ;;
    esac
    for file in /bin /lib /lib64 /sbin $libraries /dev/zero /dev/urandom; do
        [ -e "$file" ] && set -- --read "$file" "$@"
    done
    # .NET, which confines and then is gone, keeps within the decoder's limits.
    set -- DOTNET_EnableDiagnostics=0 DOTNET_TieredPGO=0 DOTNET_EnableWriteXorExecute=0 DOTNET_GCHeapHardLimit=0x4000000 \
        "$dotnet_folder/dotnet" "$app_folder/Stories.Worker.dll" confine --seccomp "$folder/filter" $environment --read /usr --write /dev/null "$@"
    ;;
*)
    exit 64
    ;;
esac

# Without "env -i" our environment, and so the worker's, could be read inside as that of process 1, which is bubblewrap.
env -i "$@" <&3 3<&- 4<"$folder/filter" &
child=$!
exec 3<&-
wait "$child"
code=$?
# The watchers, not us.
trap '' TERM
kill -TERM 0
exit "$code"
