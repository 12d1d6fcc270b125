#!/usr/bin/env bash
# Runs a MisMartera command, and sets the project up first when that has not been done.
#   ./start_cli.sh time now        run a command          ./start_cli.sh       open the shell
#   ./start_cli.sh --setup [dev]   only set up, with the named extra of pyproject.toml
set -euo pipefail
unset CDPATH # else cd goes elsewhere, and says so

self=${BASH_SOURCE[0]}
[[ $self == */* ]] || self=./$self
while [ -L "$self" ]; do # not every readlink has -f
  link=$(readlink "$self")
  [[ $link == /* ]] || link=${self%/*}/$link
  self=$link
done
home=$(cd -P -- "${self%/*}" && pwd)
venv=$home/.venv
python=$venv/bin/python
stamp=$venv/.installed # line 1: what was installed from where; line 2: with which extras
lock=$home/.venv.lock

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

# What the installation depends on: a moved folder or changed requirements install again.
key="$home $(cat "$home/requirements.txt" "$home/pyproject.toml" | cksum)"

is_installed() { # is_installed EXTRA: also true without an extra when one is installed
  local installed_key='' extras=''
  [ -x "$python" ] && [ -f "$stamp" ] || return 1
  { IFS= read -r installed_key; IFS= read -r extras; } <"$stamp" || return 1
  [ "$installed_key" = "$key" ] || return 1
  [ -z "$1" ] || [[ " $extras " == *" $1 "* ]]
}

is_usable_python() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

make_venv() {
  local candidate
  if command -v uv >/dev/null && uv venv --quiet --clear --python '>=3.11,<3.14' "$venv"; then
    return
  fi
  for candidate in python3 python3.13 python3.12 python3.11; do
    is_usable_python "$candidate" || continue
    "$candidate" -P -m venv --clear "$venv" >/dev/null && return
    fail "'$candidate -m venv' failed (on Debian and Ubuntu: apt install python3-venv)."
  done
  fail "no Python 3.11, 3.12 or 3.13 found. Install one, or install uv, which brings its own."
}

install_package() { # install_package "EXTRA ..."
  local target=$home extras=${1// /,}
  [ -z "$extras" ] || target="$home[$extras]"
  if command -v uv >/dev/null; then
    uv pip install --quiet --compile-bytecode --python "$python" --editable "$target"
  else
    "$python" -P -m pip --version >/dev/null 2>&1 || "$python" -P -m ensurepip >/dev/null # uv leaves it out
    "$python" -P -m pip install -qq --disable-pip-version-check --editable "$target"
  fi
}

unlock() { rm -rf "$lock"; }

take_lock() { # one installation at a time; a lock whose owner is gone counts as free
  local owner problem waited=0
  until mkdir "$lock" 2>/dev/null; do
    if [ ! -d "$lock" ]; then # given back just now, or it cannot be made
      problem=$(mkdir "$lock" 2>&1) && break
      [ -d "$lock" ] || fail "nothing can be set up in $home: ${problem##*: }."
    fi
    owner=$(cat "$lock/pid" 2>/dev/null || true)
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
      unlock
    else
      [ "$waited" -gt 0 ] || say "Waiting for another set-up of this folder to finish ..."
      waited=$((waited + 1))
      [ "$waited" -lt 600 ] || fail "$lock is held by another set-up; remove it if none runs."
      sleep 1
    fi
  done
  echo $$ >"$lock/pid"
  trap unlock EXIT
  trap 'exit 130' INT TERM
}

set_up() {
  local extras=$1 installed=''
  take_lock
  if ! is_installed "$1"; then # another process may have done it while this one waited
    say "Setting up .venv (about a minute the first time) ..."
    [ ! -f "$stamp" ] || installed=$(sed -n 2p "$stamp")
    [[ " $installed " == *" $1 "* ]] && extras=$installed || extras="$installed $1"
    extras=${extras# }
    extras=${extras% }
    is_usable_python "$python" || make_venv
    install_package "$extras" || fail "the installation failed; its reason is above."
    printf '%s\n%s\n' "$key" "$extras" >"$stamp"
  fi
  unlock
  trap - EXIT INT TERM
}

extra=''
if [ "${1:-}" = --setup ]; then extra=${2:-}; fi
if [ -n "$extra" ]; then
  extras=$(sed -n '/^\[project.optional-dependencies]/,/^$/s/^\([a-z]*\) = .*/\1/p' "$home/pyproject.toml")
  grep -qxF -- "$extra" <<<"$extras" || fail "there is no extra '$extra', but" $extras
fi
is_installed "$extra" || set_up "$extra"
[ "${1:-}" != --setup ] || exit 0

export PYTHONHASHSEED=${PYTHONHASHSEED-0} # one order of sets in every run; see docs/CLI.md
exec "$python" -P -m app.cli.main "$@" # -P: a signal.py in the working folder is not Python's
