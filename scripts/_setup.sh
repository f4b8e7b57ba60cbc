# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What every script here needs before it can start: Debian packages and a virtual environment.
# Source it, then call `setup EXTRA`, EXTRA being `run` or one of pyproject.toml's extras. What is
# there already is left alone, so that a second call takes some hundredths of a second.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$TOP/build/venv

# Building the firmware and the realm's PID 1, a static program, takes a compiler for arm64, which on
# arm64 is the machine's own. The tests build C for this machine too.
PACKAGES=(debian-archive-keyring device-tree-compiler make python3 python3-venv util-linux)
TEST_PACKAGES=(gcc gdb-multiarch git libc6-dev shellcheck)
if [[ $(uname -m) == aarch64 ]]; then
	PACKAGES+=(gcc libc6-dev)
else
	PACKAGES+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
	# Runs arm64 programs: what holds a Trusted Application, and clients.
	TEST_PACKAGES+=(qemu-user-static)
fi

fail() {
	printf 'realmos: %s\n' "$*" >&2
	exit 1
}

# Run a command silently; when it fails, show the last lines of what it printed.
quietly() {
	local log
	log=$(mktemp)
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 40 "$log" >&2
		rm -f "$log"
		fail "this command failed: $*"
	fi
	rm -f "$log"
}

install_packages() {
	local missing=() name apt=(apt-get)
	for name in "$@"; do
		if [[ $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>&1) != installed ]]; then
			missing+=("$name")
		fi
	done
	[[ ${#missing[@]} -gt 0 ]] || return 0
	if [[ $EUID -ne 0 ]]; then
		command -v sudo >/dev/null ||
			fail "as root, run: apt-get install --no-install-recommends ${missing[*]}"
		# Not `sudo env`: the user may have sudo for apt alone. Its password prompt uses the terminal.
		apt=(sudo apt-get)
	fi
	printf 'realmos: installing %s\n' "${missing[*]}" >&2
	export DEBIAN_FRONTEND=noninteractive
	quietly "${apt[@]}" update
	quietly "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
}

# Debian's own interpreter comes first: python3-venv belongs to it, whatever else is on PATH.
find_python() {
	local candidate
	for candidate in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
		if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
			2>/dev/null; then
			printf '%s\n' "$candidate"
			return
		fi
	done
	fail "Python 3.11 or newer is needed, with its venv module"
}

# What an environment depends on: where it is, and which interpreter it was made from.
venv_home() {
	printf '%s %s' "$TOP" "$(readlink -f "$VENV/bin/python")"
}

# Make the environment, or bring it up to date: another script may be running from it.
make_venv() {
	local extra=$1 what=$TOP python
	python=$(find_python)
	[[ $extra == run ]] || what="${TOP}[$extra]"
	printf 'realmos: installing into %s\n' "$VENV" >&2
	if ! grep -qsF "$(venv_home) " "$VENV"/stamp.*; then
		quietly "$python" -m venv --clear "$VENV"
	fi
	quietly "$VENV/bin/python" -m pip --disable-pip-version-check install -e "$what"
}

setup() {
	local extra=$1 wanted
	if ! command -v dpkg-query >/dev/null; then
		fail "Debian 12 or 13 is needed: there is no dpkg on this machine"
	fi
	install_packages "${PACKAGES[@]}"
	[[ $extra == run ]] || install_packages "${TEST_PACKAGES[@]}"
	mkdir -p "$TOP/build"
	wanted=$(sha256sum <"$TOP/pyproject.toml")
	(
		flock 9
		# An environment with an extra serves `run` too.
		if ! grep -qsxF "$(venv_home) $wanted" "$VENV"/stamp.{"$extra",test}; then
			make_venv "$extra"
			printf '%s %s\n' "$(venv_home)" "$wanted" >"$VENV/stamp.$extra"
		fi
	) 9>"$TOP/build/setup.lock"
	export PATH="$VENV/bin:$PATH" VIRTUAL_ENV="$VENV"
}
