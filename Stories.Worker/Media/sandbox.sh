#!/bin/sh
# Runs one decoder with nothing in reach: no network, no files but its working folder, no environment, bounded resources.
# Called under the decoder's name. Nothing here survives the worker: bubblewrap dies with this shell (whose only thread it
# follows; the worker's threads come and go), and the watcher ends both when this shell's parent changes, which is how the
# worker's death shows even before anybody reaps it.
tool=${0##*/}
worker=$PPID
exec 3<&0
ulimit -c 0
ulimit -n 256

bind="--bind $PWD /scratch --chdir /scratch"
case $tool in
ffmpeg | ffprobe)
    ulimit -v 4194304
    ulimit -t "${STORIES_CPU_SECONDS:-600}"
    ulimit -f "${STORIES_FILE_BLOCKS:-262144}"
    program="$STORIES_FFMPEG_FOLDER/$tool"
    exec 3</dev/null
    ;;
render-child)
    # .NET reserves far more addresses than it uses; what is really written is bounded instead.
    ulimit -d 3145728
    bind="--chdir /tmp --ro-bind $STORIES_APP_FOLDER /app --ro-bind $STORIES_DOTNET_FOLDER /dotnet"
    set -- /app/Stories.Worker.dll render-child
    program=/dotnet/dotnet
    ;;
check)
    program=/bin/sh
    ;;
*)
    exit 64
    ;;
esac

extra=
for file in /etc/ld.so.cache /etc/alternatives; do
    [ -e "$file" ] && extra="$extra --ro-bind $file $file"
done
for link in bin lib lib64 sbin; do
    if [ -L "/$link" ]; then extra="$extra --symlink usr/$link /$link"; elif [ -d "/$link" ]; then extra="$extra --ro-bind /$link /$link"; fi
done

# shellcheck disable=SC2086 # the words of bind and extra are options; our own folders have no spaces
bwrap --unshare-all --die-with-parent --new-session --cap-drop ALL --clearenv \
    --setenv PATH /usr/bin --setenv DOTNET_EnableDiagnostics 0 --setenv DOTNET_TieredPGO 0 --setenv MALLOC_ARENA_MAX 2 --setenv VIPS_CONCURRENCY 1 \
    --uid 65534 --gid 65534 --ro-bind /usr /usr $extra --proc /proc --dev /dev --tmpfs /tmp $bind \
    "$program" "$@" <&3 3<&- &
child=$!
(
    while read -r _ _ _ parent _ <"/proc/$$/stat" && [ "$parent" = "$worker" ]; do sleep 1; done
    kill -KILL "$child"
) >/dev/null 2>&1 </dev/null 3<&- &
watcher=$!
exec 3<&-
wait "$child"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
