#!/bin/sh
# Makes sure that the PostgreSQL server programs (14 or newer) are on this machine.
# Silent when they are. Otherwise installs Debian's package when it may, or says in
# one line what to install. Looks where internal/embeddedpg looks.
set -eu

oldest=14

# usable DIR: initdb and postgres are there and new enough.
usable() {
	[ -x "$1/initdb" ] && [ -x "$1/postgres" ] || return 1
	major=$("$1/postgres" --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9][0-9]*\).*/\1/p')
	[ -n "$major" ] && [ "$major" -ge "$oldest" ]
}

found() {
	if [ -n "${AFTERCARE_PG_BIN:-}" ]; then
		usable "$AFTERCARE_PG_BIN"
		return
	fi
	if initdb=$(command -v initdb); then
		usable "$(dirname "$initdb")" && return
	fi
	for dir in \
		/usr/lib/postgresql/*/bin \
		/opt/homebrew/opt/postgresql*/bin \
		/usr/local/opt/postgresql*/bin \
		/Applications/Postgres.app/Contents/Versions/*/bin; do
		usable "$dir" && return
	done
	return 1
}

refuse() {
	echo "$1" >&2
	exit 1
}

# as_root COMMAND...: the caller has made sure that one of the two works.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq "$@" </dev/null
}

install_debian() {
	apt update
	# Debian would create and start a server of its own on port 5432. Aftercare runs
	# a private one, so that is switched off, unless somebody already set this machine up.
	conf=/etc/postgresql-common/createcluster.conf
	if [ ! -e "$conf" ]; then
		apt install -y --no-install-recommends postgresql-common
		as_root sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' "$conf"
	fi
	apt install -y --no-install-recommends postgresql
}

found && exit 0

if [ -n "${AFTERCARE_PG_BIN:-}" ]; then
	refuse "AFTERCARE_PG_BIN=$AFTERCARE_PG_BIN holds no initdb and postgres of PostgreSQL $oldest or newer."
fi
if ! command -v apt-get >/dev/null; then
	refuse "Aftercare needs PostgreSQL $oldest or newer: install it (macOS: brew install postgresql@16) or set AFTERCARE_PG_BIN to the directory of its initdb."
fi
if [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; then
	refuse "Aftercare needs PostgreSQL $oldest or newer: run 'sudo apt-get install postgresql', then try again."
fi

echo "Installing PostgreSQL (once)..." >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# In a subshell of its own: 'set -e' does not reach into a function called in a condition.
set +e
(set -e; install_debian) >"$log" 2>&1
status=$?
set -e
if [ "$status" -ne 0 ]; then
	tail -n 5 "$log" >&2
	refuse "PostgreSQL could not be installed: run 'apt-get install postgresql' by hand, then try again."
fi
found || refuse "Aftercare needs PostgreSQL $oldest or newer, and this system's package is older: install one from https://apt.postgresql.org."
