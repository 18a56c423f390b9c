# install.sh - sourced by ./check, ./demo and tests/bench/run: the Debian packages they need.
#
# packages_install installs only what is missing, and says so in one line. It needs root or sudo for
# that, and no network at all when everything is there.

packages_build="gcc libc6-dev meson ninja-build pkg-config libmodbus-dev libiio-dev libsqlite3-dev
	libcurl4-openssl-dev libssl-dev libsystemd-dev libcmocka-dev libjansson-dev libinih-dev
	libncurses-dev zlib1g-dev tzdata python3 python3-cryptography openssl git"
packages_test="clang clang-format libclang-rt-14-dev tmux mbpoll systemd systemd-container mandoc
	bash-completion util-linux e2fsprogs passwd dbus udev umockdev hledger ledger"

packages_missing() {
	local package
	for package in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
	done
}

packages_install() { # packages_install [build]: the build's packages only
	local wanted=$packages_build missing sudo=
	[ "${1:-}" = build ] || wanted="$wanted $packages_test"
	# shellcheck disable=SC2086
	missing=$(packages_missing $wanted)
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		sudo=sudo
		command -v sudo >/dev/null || {
			echo "these Debian packages are missing and only root can install them: $missing" >&2
			return 1
		}
	fi
	echo "installing: $missing"
	# The update may complain about one source and still bring what is needed; the install decides.
	$sudo apt-get -o DPkg::Lock::Timeout=300 update >/dev/null 2>&1
	# shellcheck disable=SC2086
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y \
		--no-install-recommends $missing >/tmp/prepay-apt.$$ 2>&1 || {
		tail -n 5 /tmp/prepay-apt.$$ >&2
		rm -f /tmp/prepay-apt.$$
		echo "could not install: $missing (is this Debian 12, and is its package mirror reachable?)" >&2
		return 1
	}
	rm -f /tmp/prepay-apt.$$
}
