#!/usr/bin/env bash
# Prove the README's two commands on a bare machine: a minimal Debian made by debootstrap, with git, make and
# Python and nothing else, in which a clone of this repository runs `make run` and `make test`.
#
#   tools/bare_machine.sh [SUITE]        SUITE: trixie (Debian 13, default) or bookworm (Debian 12); as root
#
# Environment: BARE_ROOT    folder to build in (default: a new one under /var/tmp; removed at the end unless given)
#              BARE_MIRROR  Debian mirror
#              BARE_COMMANDS  what to run (default: "run test")
#              ARVIEWER_TEST_DATA  folder of real test data, seen read-only inside; without it those tests skip
# A machine that reaches its registries through settings of its own (certificates, apt and pip configuration) has
# them copied inside; nothing else of it is.
set -euo pipefail

suite=${1:-trixie}
mirror=${BARE_MIRROR:-http://deb.debian.org/debian}
commands=${BARE_COMMANDS:-run test}
repository=$(cd "$(dirname "$0")/.." && pwd)
root=${BARE_ROOT:-$(mktemp -d /var/tmp/arviewer-bare.XXXXXX)}
started=$(date +%s)

[ "$(id -u)" = 0 ] || { echo "bare_machine.sh needs root, for debootstrap and chroot." >&2; exit 4; }
command -v debootstrap >/dev/null || { echo "debootstrap is missing: apt-get install debootstrap" >&2; exit 4; }

leave() {
    for place in data dev/pts dev/shm dev proc; do mountpoint -q "$root/$place" && umount "$root/$place"; done
    [ -n "${BARE_ROOT:-}" ] || rm -rf --one-file-system "$root"
}
trap leave EXIT

say() { printf '[%4d s] %s\n' $(($(date +%s) - started)) "$*"; }

if [ ! -e "$root/etc/debian_version" ]; then
    say "debootstrap $suite (minbase, with git, make, python3)"
    debootstrap --variant=minbase --include=git,make,python3,ca-certificates "$suite" "$root" "$mirror" >"$root.log" 2>&1 \
        || { tail -n 20 "$root.log"; exit 4; }
    rm -f "$root.log"
fi
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mkdir -p "$root/dev/shm" && mount -t tmpfs tmpfs "$root/dev/shm"
mkdir -p "$root/dev/pts" && mount --bind /dev/pts "$root/dev/pts"

cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
[ -e /etc/ssl/certs/ca-certificates.crt ] && cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
for file in /etc/apt/apt.conf.d/99*; do [ -e "$file" ] && cp "$file" "$root/etc/apt/apt.conf.d/"; done
inside=(env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 PIP_ROOT_USER_ACTION=ignore)
[ -e /etc/ssl/certs/ca-certificates.crt ] && inside+=(PIP_CERT=/etc/ssl/certs/ca-certificates.crt)

say "clone"
rm -rf "$root/root/arviewer"
git clone -q "$repository" "$root/root/arviewer"
if [ -n "${ARVIEWER_TEST_DATA:-}" ]; then
    mkdir -p "$root/data" && mount --bind -o ro "$ARVIEWER_TEST_DATA" "$root/data"
    inside+=(ARVIEWER_TEST_DATA=/data)
fi

for command in $commands; do
    say "make $command"
    chroot "$root" "${inside[@]}" make -C /root/arviewer "$command" || { say "make $command FAILED"; exit 1; }
    say "make $command: done"
done
chroot "$root" ls -l /root/arviewer/out 2>/dev/null || true
