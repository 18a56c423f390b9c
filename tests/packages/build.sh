# build.sh - sourced by ./demo and tests/bench/run: the plain build.
#
# build_plain DIR sets up and compiles DIR; it prints nothing when that works but one line when there is
# something to do, and the compiler's words when it does not.

build_plain() {
	local dir=$1 log
	log=$(mktemp) || return 1
	if [ ! -f "$dir/build.ninja" ] && ! meson setup "$dir" >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		echo "meson could not set up $dir; remove that folder and try again" >&2
		return 1
	fi
	# Exit 0 and "no work to do" are the usual case.
	if ! ninja -C "$dir" -n 2>/dev/null | grep -q 'no work to do'; then
		echo "building in $dir/" >&2
	fi
	if ! meson compile -C "$dir" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		rm -f "$log"
		echo "the build in $dir/ failed" >&2
		return 1
	fi
	rm -f "$log"
}
