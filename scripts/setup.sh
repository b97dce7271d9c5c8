#!/bin/sh
# Finds what Souk needs on this machine and installs what is missing, saying what it does.
#
#   sh scripts/setup.sh [build] [lint] [postgres] [kafka] [greenmail] [deny] [all]
#
#   build     cargo of the required version, a C compiler, make
#   lint      rustfmt and clippy
#   postgres  PostgreSQL's server programs, version 15 or later
#   kafka     a Java runtime, version 17 or later, and the Apache Kafka that tests start
#   greenmail a Java runtime, version 17 or later, and the GreenMail that tests start
#   deny      cargo-deny
#
# Environment:
#   SOUK_CACHE_DIR         where tools are kept between clones (default: $XDG_CACHE_HOME/souk or ~/.cache/souk)
#   SOUK_POSTGRES_BIN      the directory of initdb, postgres and pg_ctl, when they are somewhere unusual
#   SOUK_POSTGRES_INSTALL  `never` or `user`: PostgreSQL is not installed for the whole system
#   SOUK_KAFKA_HOME        the directory with the jars of Apache Kafka, when it is not to be fetched
#   SOUK_GREENMAIL_HOME    the directory with the jar of GreenMail, when it is not to be fetched
#   SETUP_NO_INSTALL       when set, nothing at all is installed: what is missing is an error
set -eu

CARGO_DENY_VERSION=0.20.2
POSTGRES_MIN=15
KAFKA_VERSION=4.1.1
GREENMAIL_VERSION=2.1.3
JAVA_MIN=17

here=$(cd "$(dirname "$0")/.." && pwd)
cache=${SOUK_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/souk}
PATH=$PATH:${HOME:-}/.cargo/bin:$cache/tools/bin
export PATH

log=$(mktemp)
scratch=''
trap 'rm -rf "$log" "$scratch"' EXIT

say() { printf 'setup: %s\n' "$*"; }

fail() {
    printf 'setup: error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf 'setup:        %s\n' "$line" >&2; done
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or through sudo when it asks for no password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 126
    fi
}

# Keeps what a command prints for the case that it fails.
quietly() { "$@" >"$log" 2>&1 </dev/null; }

can_be_root() { [ "$(id -u)" -eq 0 ] || { have sudo && sudo -n true 2>/dev/null; }; }

package_manager() {
    for manager in apt-get dnf apk brew; do
        if have "$manager"; then
            echo "$manager"
            return
        fi
    done
    echo none
}

# install WHAT APT_PACKAGES DNF_PACKAGES APK_PACKAGES BREW_PACKAGES
install() {
    what=$1
    manager=$(package_manager)
    case $manager in
        apt-get) packages=$2 command="apt-get install -y --no-install-recommends $2" ;;
        dnf) packages=$3 command="dnf install -y $3" ;;
        apk) packages=$4 command="apk add $4" ;;
        brew) packages=$5 command="brew install $5" ;;
        none) fail "$what is missing, and no package manager known here (apt-get, dnf, apk, brew) was found." \
            "Install $what and run this again." ;;
    esac
    [ -n "$packages" ] || fail "$what is missing, and $manager has no package of it that is known here." \
        "Install $what and run this again."
    [ -z "${SETUP_NO_INSTALL:-}" ] || fail "$what is missing and SETUP_NO_INSTALL is set." "It would have run: $command"
    if [ "$manager" != brew ] && ! can_be_root; then
        fail "$what is missing and installing it needs root." "Run this yourself, then try again: sudo $command"
    fi
    say "$what is missing: installing it with $manager ($packages)"
    case $manager in
        apt-get)
            # A list that was never fetched or is out of date is no error yet: it is fetched, and tried again.
            # Package names are a list on purpose.
            # shellcheck disable=SC2086
            if ! quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages; then
                say "the package lists may be old: updating them"
                quietly as_root apt-get update || say "some lists could not be updated"
                quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages ||
                    { cat "$log" >&2 && fail "apt-get could not install $what; its messages are above." "To repeat it: $command"; }
            fi
            ;;
        dnf | apk)
            # shellcheck disable=SC2086
            as_root $command </dev/null || fail "$manager could not install $what; its messages are above." "To repeat it: $command"
            ;;
        brew)
            # shellcheck disable=SC2086
            $command </dev/null || fail "brew could not install $what; its messages are above." "To repeat it: $command"
            ;;
    esac
}

# at_least HAVE WANT: compares dotted numbers, two places.
at_least() {
    have_major=${1%%.*} have_rest=${1#*.} want_major=${2%%.*} want_rest=${2#*.}
    have_minor=${have_rest%%.*} want_minor=${want_rest%%.*}
    [ "$have_major" -gt "$want_major" ] || { [ "$have_major" -eq "$want_major" ] && [ "$have_minor" -ge "$want_minor" ]; }
}

setup_build() {
    have cargo || fail "cargo was not found on PATH nor in ~/.cargo/bin." \
        "Install Rust with rustup (https://rustup.rs), or from your distribution if it is recent enough."
    wanted=$(sed -n 's/^rust-version *= *"\(.*\)".*/\1/p' "$here/Cargo.toml")
    found=$(rustc --version | cut -d ' ' -f 2)
    at_least "$found" "$wanted" || fail "Rust $found is too old: Souk needs $wanted or later." "With rustup: rustup update stable"
    if ! have cc && ! have gcc && ! have clang; then
        install "a C compiler" "gcc libc6-dev" "gcc" "gcc musl-dev" ""
    fi
    # librdkafka is built from source with its own configure script.
    have make || install "make" "make" "make" "make" "make"
    say "Rust $found, C compiler $(command -v cc || command -v gcc || command -v clang)"
}

setup_lint() {
    for component in rustfmt clippy; do
        case $component in rustfmt) tool=rustfmt ;; clippy) tool=cargo-clippy ;; esac
        if ! have "$tool" || ! "$tool" --version >/dev/null 2>&1; then
            have rustup || fail "$component is missing and there is no rustup to add it." "Install it from where Rust came from."
            [ -z "${SETUP_NO_INSTALL:-}" ] || fail "$component is missing and SETUP_NO_INSTALL is set."
            say "$component is missing: adding it with rustup"
            rustup component add "$component" || fail "rustup could not add $component; its messages are above."
        fi
    done
}

# Prints the directory of the newest PostgreSQL whose initdb and postgres are both there.
find_postgres() {
    best='' best_version=0
    path_dir=$(command -v postgres 2>/dev/null || true)
    [ -z "$path_dir" ] || path_dir=$(dirname "$path_dir")
    brew_dirs=''
    if have brew; then brew_dirs="$(brew --prefix 2>/dev/null)/opt/postgresql*/bin"; fi
    # The patterns are meant to expand.
    # shellcheck disable=SC2086
    for dir in "${SOUK_POSTGRES_BIN:-}" "$path_dir" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql*/ \
        /usr/local/pgsql/bin $brew_dirs; do
        if [ -z "$dir" ] || ! [ -x "$dir/initdb" ] || ! [ -x "$dir/postgres" ]; then continue; fi
        version=$("$dir/postgres" --version 2>/dev/null | sed -n 's/.*(PostgreSQL) \([0-9]*\).*/\1/p')
        if [ -n "$version" ] && [ "$version" -gt "$best_version" ]; then best=${dir%/} best_version=$version; fi
    done
    [ "$best_version" -ge "$POSTGRES_MIN" ] && echo "$best"
}

setup_postgres() {
    if [ -n "${SOUK_POSTGRES_BIN:-}" ] && ! [ -x "$SOUK_POSTGRES_BIN/initdb" ]; then
        fail "SOUK_POSTGRES_BIN is $SOUK_POSTGRES_BIN, but there is no initdb in it."
    fi
    dir=$(find_postgres || true)
    if [ -z "$dir" ] && [ "${SOUK_POSTGRES_INSTALL:-auto}" = never ]; then
        fail "PostgreSQL is missing and SOUK_POSTGRES_INSTALL is never." "Install it, or name its programs' directory in SOUK_POSTGRES_BIN."
    fi
    if [ -z "$dir" ] && [ "$(package_manager)" = apt-get ] && [ -z "${SETUP_NO_INSTALL:-}" ]; then
        if [ "${SOUK_POSTGRES_INSTALL:-auto}" = user ] || ! can_be_root; then
            say "PostgreSQL is missing and is not installed for the whole system: Souk unpacks a private copy when it first needs one"
            return
        fi
    fi
    if [ -z "$dir" ]; then
        # Souk starts private clusters of its own. Debian's package would also create one for the whole machine and
        # start it as a service, which nobody asked for.
        if [ "$(package_manager)" = apt-get ] && ! [ -e /etc/postgresql-common ] && can_be_root && [ -z "${SETUP_NO_INSTALL:-}" ]; then
            say "telling Debian's PostgreSQL package not to create a cluster for the machine (/etc/postgresql-common/createcluster.d/souk.conf)"
            as_root mkdir -p /etc/postgresql-common/createcluster.d
            echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.d/souk.conf >/dev/null
        fi
        install "PostgreSQL (server, $POSTGRES_MIN or later)" "postgresql" "postgresql-server postgresql-contrib" \
            "postgresql postgresql-contrib" "postgresql@17"
        dir=$(find_postgres || true)
        [ -n "$dir" ] || fail "PostgreSQL was installed, but no initdb of version $POSTGRES_MIN or later was found." \
            "Set SOUK_POSTGRES_BIN to the directory that holds initdb and postgres."
    fi
    say "$("$dir/postgres" --version) in $dir"
}

# Prints the major version of the Java runtime on PATH or in JAVA_HOME; nothing when there is none that runs.
java_version() {
    java=${JAVA_HOME:+$JAVA_HOME/bin/java}
    if [ -z "$java" ] || ! [ -x "$java" ]; then java=java; fi
    "$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\)[."].*/\1/p' | head -n 1
}

# Leaves the version of the Java runtime in `found`.
need_java() {
    found=$(java_version || true)
    if [ -z "$found" ] || [ "$found" -lt "$JAVA_MIN" ]; then
        case $(package_manager) in
            # The oldest release of each that still gets a runtime of at least JAVA_MIN with it.
            apt-get) apt_java=openjdk-17-jre-headless
                if quietly apt-cache policy openjdk-21-jre-headless && grep -q 'Candidate: [0-9]' "$log"; then apt_java=openjdk-21-jre-headless; fi ;;
            *) apt_java='' ;;
        esac
        install "a Java runtime ($JAVA_MIN or later)" "$apt_java" "java-21-openjdk-headless" "openjdk21-jre-headless" "openjdk"
        found=$(java_version || true)
        [ -n "$found" ] && [ "$found" -ge "$JAVA_MIN" ] || fail "A Java runtime was installed, but no java of version $JAVA_MIN or later is on PATH." \
            "Set JAVA_HOME to it."
    fi
}

# fetch_jars WHAT FOLDER VERSION SIZE: what scripts/FOLDER/pom.xml names, into the cache; leaves the directory in `jars`.
fetch_jars() {
    jars=$cache/$2/$3
    if ! [ -e "$jars/.complete" ]; then
        have mvn || install "Maven" "maven" "maven" "maven" "maven"
        [ -z "${SETUP_NO_INSTALL:-}" ] || fail "$1 is missing and SETUP_NO_INSTALL is set." "It would have fetched it into $jars."
        say "$1 is missing: fetching $3 with Maven into $jars ($4, once per machine)"
        mkdir -p "$cache/$2"
        scratch=$(mktemp -d "$cache/$2/fetch.XXXXXX")
        cp "$here/scripts/$2/pom.xml" "$scratch/"
        (cd "$scratch" && quietly mvn -q -B dependency:copy-dependencies -DoutputDirectory="$scratch/jars" -DincludeScope=runtime) ||
            { cat "$log" >&2 && fail "Maven could not fetch $1; its messages are above."; }
        touch "$scratch/jars/.complete"
        # Complete or not there at all, also when two do this at once.
        rm -rf "$jars"
        mv "$scratch/jars" "$jars" 2>/dev/null || [ -e "$jars/.complete" ] || fail "$1 could not be put into $jars."
        rm -rf "$scratch"
        scratch=''
    fi
}

setup_kafka() {
    need_java
    if [ -n "${SOUK_KAFKA_HOME:-}" ]; then
        ls "$SOUK_KAFKA_HOME"/kafka_*.jar >/dev/null 2>&1 || fail "SOUK_KAFKA_HOME is $SOUK_KAFKA_HOME, but there is no kafka_*.jar in it."
        say "Java $found, Apache Kafka in $SOUK_KAFKA_HOME"
        return
    fi
    fetch_jars "Apache Kafka" kafka "$KAFKA_VERSION" "43 MB"
    say "Java $found, Apache Kafka $KAFKA_VERSION in $jars"
}

setup_greenmail() {
    need_java
    if [ -n "${SOUK_GREENMAIL_HOME:-}" ]; then
        ls "$SOUK_GREENMAIL_HOME"/greenmail-standalone*.jar >/dev/null 2>&1 ||
            fail "SOUK_GREENMAIL_HOME is $SOUK_GREENMAIL_HOME, but there is no greenmail-standalone*.jar in it."
        say "Java $found, GreenMail in $SOUK_GREENMAIL_HOME"
        return
    fi
    fetch_jars "GreenMail" greenmail "$GREENMAIL_VERSION" "10 MB"
    say "Java $found, GreenMail $GREENMAIL_VERSION in $jars"
}

setup_deny() {
    if have cargo-deny; then
        say "$(cargo-deny --version) in $(dirname "$(command -v cargo-deny)")"
        return
    fi
    [ -z "${SETUP_NO_INSTALL:-}" ] || fail "cargo-deny is missing and SETUP_NO_INSTALL is set." \
        "It would have run: cargo install --locked cargo-deny --version $CARGO_DENY_VERSION"
    say "cargo-deny is missing: building $CARGO_DENY_VERSION into $cache/tools (some minutes, once per machine)"
    mkdir -p "$cache/tools"
    scratch=$(mktemp -d)
    # From another directory and with a target directory of its own: neither this workspace's settings nor its artifacts
    # take part.
    (cd "$scratch" && CARGO_TARGET_DIR=$scratch/target cargo install --locked --quiet cargo-deny \
        --version "$CARGO_DENY_VERSION" --root "$cache/tools" </dev/null) ||
        fail "cargo could not install cargo-deny $CARGO_DENY_VERSION; its messages are above."
    say "$("$cache/tools/bin/cargo-deny" --version) in $cache/tools/bin"
}

[ $# -gt 0 ] || set -- all
for step in "$@"; do
    case $step in
        all) setup_build && setup_lint && setup_postgres && setup_kafka && setup_greenmail && setup_deny ;;
        build) setup_build ;;
        lint) setup_lint ;;
        postgres) setup_postgres ;;
        kafka) setup_kafka ;;
        greenmail) setup_greenmail ;;
        deny) setup_deny ;;
        *) fail "unknown step '$step': expected build, lint, postgres, kafka, greenmail, deny or all" ;;
    esac
done
