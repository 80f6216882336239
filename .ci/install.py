"""Install the package, or dependency groups of pyproject.toml, where this interpreter lives.

    python .ci/install.py package        build requirements, then an editable install
    python .ci/install.py group NAME...  the named dependency groups (PEP 735)

The pip of Debian 12 and of Python 3.11 has no ``--group``; this reads the groups itself. The
install is editable because after a plain one ``import irtd_fast`` from the repository's root finds
the source folder, which has no compiled core; it is not isolated because a build environment that
is thrown away would make every reinstall a full rebuild.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
QUESTION = """
from scikit_build_core.build import get_requires_for_build_editable
print(*get_requires_for_build_editable({}), sep="\\n")
"""


def pyproject() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


def group(groups: dict[str, list[Any]], name: str, seen: tuple[str, ...] = ()) -> list[str]:
    """Return the requirements of one group, those it includes first."""
    if name not in groups:
        known = ", ".join(sorted(groups))
        raise SystemExit(
            f"install: no dependency group {name!r} in pyproject.toml (there are: {known})"
        )
    if name in seen:
        raise SystemExit(
            f"install: dependency groups include each other: {' > '.join((*seen, name))}"
        )
    found: list[str] = []
    for entry in groups[name]:
        if isinstance(entry, str):
            found.append(entry)
        else:
            found.extend(group(groups, entry["include-group"], (*seen, name)))
    return found


def pip_install(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    status = subprocess.run([*command, *arguments], cwd=ROOT, check=False).returncode
    if status:
        raise SystemExit(f"install: pip install {' '.join(arguments)} failed ({status})")


def backend_requirements() -> list[str]:
    """Ask the build backend what else it needs here: cmake and ninja where the system has none."""
    answer = subprocess.run(
        [sys.executable, "-c", QUESTION], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return answer.stdout.split("\n")


def install_package() -> None:
    # Without ninja the backend would fall back to make and compile one file at a time; the CMake
    # presets need ninja as well.
    os.environ["SKBUILD_NINJA_MAKE_FALLBACK"] = "0"
    pip_install(*pyproject()["build-system"]["requires"])
    wanted = [line.strip() for line in backend_requirements() if line.strip()]
    if wanted:
        pip_install(*wanted)
    pip_install("--no-build-isolation", "--editable", ".")


def main(arguments: list[str]) -> None:
    match arguments:
        case ["package"]:
            install_package()
        case ["group", *names] if names:
            groups = pyproject()["dependency-groups"]
            pip_install(*(line for name in names for line in group(groups, name)))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
