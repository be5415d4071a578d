# What the scripts of this folder share: words, Python, and the checkout's own .venv.
# Sourced, not run. Only a shell and Python >= 3.11 are taken for granted: where no Python is found, a
# sentence says so, with bash's own means even where PATH leads nowhere.

ROOT="$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)"
VENV="$ROOT/.venv"
SCRIPT="ci/${0##*/}"

say() { printf '%s: %s\n' "$SCRIPT" "$*"; }
die() {
    printf '%s: %s\n' "$SCRIPT" "$*" >&2
    exit 1
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# Sets PYTHON to a Python >= 3.11; PYTHON in the environment goes first.
find_python() {
    local candidate tried=""
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.14 python; do
        [ -n "$candidate" ] || continue
        if is_new_enough "$candidate"; then
            PYTHON="$candidate"
            return
        fi
        command -v "$candidate" >/dev/null 2>&1 && tried="$tried $candidate"
    done
    if [ -n "$tried" ]; then
        die "needs Python 3.11 or newer; found only older or unusable ones (${tried# }). Install a newer Python, or name one: PYTHON=/path/to/python3 $SCRIPT"
    fi
    die "needs Python 3.11 or newer; found none. Install it, or name one: PYTHON=/path/to/python3 $SCRIPT"
}

is_venv_usable() { is_new_enough "$VENV/bin/python" && "$VENV/bin/python" -m pip --version >/dev/null 2>&1; }

# Makes .venv, or makes it anew where it does not work (half made, or its Python is gone).
ensure_venv() {
    is_venv_usable && return
    find_python
    if [ -e "$VENV" ]; then
        say "the environment in .venv does not work; making it anew"
        rm -rf "$VENV"
    fi
    say "making an environment in .venv with $("$PYTHON" --version)"
    if ! "$PYTHON" -m venv "$VENV" >/dev/null 2>&1; then
        rm -rf "$VENV"
        "$PYTHON" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
            die "this Python has no module venv (or ensurepip). On Debian and Ubuntu: apt install python3-venv"
        die "could not make an environment in $VENV. Is the disk full, or the folder not writable?"
    fi
    is_venv_usable || die "the new environment in $VENV does not work; is this Python complete?"
}

pip_install() { "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

# Whether a package can be imported in .venv.
has() { "$VENV/bin/python" -c "import $1" >/dev/null 2>&1; }

# install_extra NAME: the library (editable) with one extra, unless that was done already for this
# very pyproject.toml.
install_extra() {
    ensure_venv
    local extra="$1" stamp="$VENV/anygrad-$1.stamp" wanted
    wanted="$("$VENV/bin/python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$ROOT/pyproject.toml")"
    if [ -f "$stamp" ] && [ "$(<"$stamp")" = "$wanted" ]; then
        return
    fi
    say "installing anygrad with what '$extra' needs (the first time this takes a minute or two)"
    pip_install --editable "$ROOT[$extra]" ||
        die "the installation failed, the reason is above. The first time, a connection to the Python package index is needed."
    printf '%s' "$wanted" >"$stamp"
}
