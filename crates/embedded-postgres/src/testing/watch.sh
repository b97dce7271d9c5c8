# Waits until the test process is gone, however it went: then its end of the pipe closes. $1 is the data directory; a
# line of input names the cluster's directory when that is elsewhere.
trap '' INT TERM HUP
root=$1/postgres
while IFS= read -r line; do root=$line; done
pid=$(head -n 1 "$root/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null; then
    tries=0
    # The file goes last of all. A zombie may stay for long where nobody collects those.
    while [ -e "$root/data/postmaster.pid" ] && kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do
        case "$(cat "/proc/$pid/stat" 2>/dev/null)" in *') Z '*) break ;; esac
        sleep 0.1
        tries=$((tries + 1))
    done
    [ "$tries" -lt 100 ] || kill -KILL "$pid" 2>/dev/null
fi
rm -rf "$root" "$1"
