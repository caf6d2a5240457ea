# need.sh: what the two commands beside it share; sourced by them.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/wheellock-dev

# A folder of wheels that pip was told to look into would hide what the index
# and the lock say.
unset PIP_FIND_LINKS
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

say() { printf '%s\n' "$*" >&2; }

# python VERSION... prints the first interpreter of one of these versions that
# can make virtual environments: the system's before any other, since a shim of
# a version manager may stand for another Python tomorrow.
python() {
	local version exe
	for version in "$@"; do
		for exe in "/usr/bin/python$version" "python$version" /usr/bin/python3 python3; do
			if "$exe" -c 'import sys, ensurepip, venv
sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1])' "$version" 2>/dev/null; then
				printf '%s\n' "$exe"
				return
			fi
		done
	done
	return 1
}

# need CHECK PACKAGE notes that the system package PACKAGE is missing where the
# command CHECK fails; install installs what was noted, or names it.
missing=()
need() {
	if ! eval "$1" >/dev/null 2>&1; then
		missing+=("$2")
	fi
}

install() {
	if ((${#missing[@]} == 0)); then
		return 0
	fi
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		say "missing: ${missing[*]} (names of Debian's packages); as root: apt-get install ${missing[*]}"
		return 1
	fi
	say "installing ${missing[*]}"
	apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}
