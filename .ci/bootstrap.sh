#!/usr/bin/env bash
# Makes sure the system has what the build needs; installs with apt only what is missing.
#
#   .ci/bootstrap.sh [--tests]     --tests: also what the C++ tests need (doctest)
#
# PYTHON names the interpreter the virtual environment will be made from (default python3).
# Exit codes: 0 nothing is missing (any more), 1 something required is missing.
set -euo pipefail

python=${PYTHON:-python3}
with_tests=no
for argument in "$@"; do
  case $argument in
    --tests) with_tests=yes ;;
    *) echo "bootstrap: unknown argument $argument (known: --tests)" >&2; exit 1 ;;
  esac
done

if ! command -v "$python" >/dev/null; then
  echo "bootstrap: no interpreter '$python'; name one with PYTHON=/path/to/python3" >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "bootstrap: irtd_fast needs Python >= 3.11, $python is $("$python" -V 2>&1)" >&2
  exit 1
fi

# What is asked is whether the thing works, not whether a package is installed: a library from a
# prefix of the user's own counts as well. `dpkg -s` decides only where nothing else can tell.
has_library() { command -v pkg-config >/dev/null && pkg-config --exists "$1"; }
has_venv() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }
has_headers() {
  "$python" -c 'import pathlib, sys, sysconfig
sys.exit(not (pathlib.Path(sysconfig.get_path("include")) / "Python.h").is_file())'
}
has_doctest() {
  echo '#include <doctest/doctest.h>' | g++ -std=c++17 -E -x c++ - >/dev/null 2>&1 ||
    dpkg -s doctest-dev >/dev/null 2>&1
}

# Debian's python3-venv and python3-dev belong to its default python3; another Debian interpreter
# (/usr/bin/python3.X) has packages of its own.
python_package() {
  local path
  path=$("$python" -c 'import sys; print(sys.executable)')
  if [[ $(readlink -f "$path") == /usr/bin/python3.* && -x /usr/bin/python3 &&
    $(readlink -f "$path") != "$(readlink -f /usr/bin/python3)" ]]; then
    echo "$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')-$1"
  else
    echo "python3-$1"
  fi
}

required=()
optional=()
find_missing() {
  required=()
  optional=()
  command -v g++ >/dev/null || required+=(g++)
  command -v pkg-config >/dev/null || required+=(pkg-config)
  has_library 'libturbojpeg >= 2.0' || required+=(libturbojpeg0-dev)
  has_library 'blosc >= 1.20' || required+=(libblosc-dev)
  has_library 'libzstd >= 1.4' || required+=(libzstd-dev)
  has_library 'zlib >= 1.2' || required+=(zlib1g-dev)
  has_venv || required+=("$(python_package venv)")
  has_headers || required+=("$(python_package dev)")
  if [[ $with_tests == yes ]]; then
    has_doctest || required+=(doctest-dev)
  fi
  # Without these the build uses scalar code, or decodes whole JPEG pictures; build_info() shows it.
  has_library 'libhwy >= 1.0' || optional+=(libhwy-dev)
  has_library 'libjpeg >= 1.5' || optional+=(libjpeg62-turbo-dev)
  has_library 'libisal >= 2.30' || optional+=(libisal-dev)
}

find_missing
if ((${#required[@]} + ${#optional[@]} == 0)); then
  exit 0
fi
missing=("${required[@]}" "${optional[@]}")
apt_line="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"

# Root needs no helper; sudo without a terminal must not wait for a password.
as_root=()
can_install=yes
if ((EUID != 0)); then
  as_root=(sudo)
  [[ -t 0 ]] || as_root+=(-n)
  command -v sudo >/dev/null && "${as_root[@]}" true 2>/dev/null || can_install=no
fi
command -v apt-get >/dev/null || can_install=no

if [[ $can_install == yes ]]; then
  echo "bootstrap: installing ${missing[*]}" >&2
  apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get)
  # An outdated list is no reason to stop: the packages may be there all the same.
  "${apt[@]}" update -q || echo "bootstrap: apt-get update failed, trying to install anyway" >&2
  if ((${#required[@]} > 0)); then
    "${apt[@]}" install -y -q --no-install-recommends "${required[@]}" || true
  fi
  for package in "${optional[@]}"; do
    "${apt[@]}" install -y -q --no-install-recommends "$package" || true
  done
  hash -r
  find_missing
fi

if ((${#required[@]} > 0)); then
  echo "bootstrap: missing: ${required[*]}" >&2
  echo "bootstrap: as root, run: $apt_line" >&2
  exit 1
fi
if ((${#optional[@]} > 0)); then
  echo "bootstrap: building without ${optional[*]} (slower scalar code); to have them: $apt_line" >&2
fi
