"""The repository keeps its own rules: what lies where, how long it may be, what it may not say."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from irtd_fast import catalog
from irtd_fast.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PYTHON_FOLDERS = ("irtd_fast", "tests", "benchmarks", ".ci")
NATIVE_FOLDERS = ("cpp", "src")
GENERATED = ROOT / "irtd_fast" / "_core.pyi"
MAX_MODULE_LINES = 400
MAX_BODY_LINES = 40

TOP_LEVEL = {
    ".ci",
    ".clang-format",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CMakeLists.txt",
    "CMakePresets.json",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "benchmarks",
    "cpp",
    "irtd_fast",
    "pyproject.toml",
    "src",
    "tests",
}

# A path of somebody's machine: from the root, not the middle of a longer path or an address.
MACHINE_PATH = re.compile(r"(?<![\w./~*}-])/(?:home|root|tmp|work|Users)/[\w.-]")


def python_files() -> list[Path]:
    return sorted(path for name in PYTHON_FOLDERS for path in (ROOT / name).rglob("*.py"))


def native_files() -> list[Path]:
    return sorted(path for name in NATIVE_FOLDERS for path in (ROOT / name).rglob("*.[ch]pp"))


def repository_files() -> list[str]:
    """Files that are, or on the next commit would be, part of the repository."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"not a git checkout, so nothing says what belongs to it: {error}")
    return sorted({name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()})


def shown(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function after its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    last = body[-1].end_lineno
    assert last is not None
    return last - body[0].lineno + 1


def test_body_lines_leave_out_signature_and_docstring():
    tree = ast.parse(
        'def f(\n    a,\n):\n    """One.\n\n    Two.\n    """\n    a += 1\n\n    return a\n'
    )
    assert [body_lines(function) for function in functions(tree)] == [3]
    assert [body_lines(f) for f in functions(ast.parse('def f():\n    """Doc."""\n'))] == [0]


def test_top_level_is_exactly_what_was_agreed():
    assert {name.split("/")[0] for name in repository_files()} == TOP_LEVEL


def test_every_module_is_short():
    files = [*python_files(), *native_files()]
    assert files
    long = {
        name: count
        for path, name in zip(files, shown(files), strict=True)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_MODULE_LINES
    }
    assert not long, f"over {MAX_MODULE_LINES} lines: split them by concept"


def test_every_function_is_short():
    files = python_files()
    assert files
    long = {
        f"{name}:{function.lineno} {function.name}": count
        for path, name in zip(files, shown(files), strict=True)
        for function in functions(ast.parse(path.read_text(encoding="utf-8")))
        if (count := body_lines(function)) > MAX_BODY_LINES
    }
    assert not long, f"over {MAX_BODY_LINES} body lines"


def test_only_programs_print():
    programs = {"cli", "examples"}
    files = [p for p in (ROOT / "irtd_fast").rglob("*.py") if programs.isdisjoint(p.parts)]
    assert files
    prints = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not prints, "use logging.getLogger(__name__)"


def test_core_knows_no_python():
    files = [path for path in native_files() if path.is_relative_to(ROOT / "cpp")]
    assert files
    include = re.compile(r'^\s*#\s*include\s*[<"](?:Python\.h|pybind11|numpy)', re.MULTILINE)
    found = [path for path in files if include.search(path.read_text(encoding="utf-8"))]
    assert not shown(found), "bindings belong into src/"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"/{}/ann/data"'.format("home"), True),
        ("open('/{}/x')".format("tmp"), True),
        ("see /{}/main".format("work"), True),
        ("https://example.org/home/ann", False),
        ("a/tmp/b", False),
        ("${scratch}/tmp/b", False),
        ("/tmpfs/x", False),
    ],
)
def test_machine_path_pattern(text: str, found: bool):
    assert bool(MACHINE_PATH.search(text)) is found


def test_no_path_of_a_machine():
    names = repository_files()
    assert names
    found = []
    for name in names:
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a binary golden
        found += [
            f"{name}:{number}: {line.strip()[:80]}"
            for number, line in enumerate(text.splitlines(), 1)
            if MACHINE_PATH.search(line)
        ]
    assert not found


def test_stub_of_the_core_is_there():
    text = GENERATED.read_text(encoding="utf-8")
    assert text.startswith("# Generated by `make stubs`")
    assert "\n__all__" not in text
    ast.parse(text)


def table(heading: str) -> list[list[str]]:
    """Return the rows of README's table under a heading, below its title and rule."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_readme_lists_every_source_once():
    listed = [key for row in table("Sources") for key in re.findall(r"`([^`]+)`", row[1])]
    assert catalog.names()
    assert sorted(listed) == sorted(catalog.names())


def test_readme_lists_every_command():
    commands = typer.main.get_command(app).commands
    assert commands
    assert sorted(row[0].split()[1].strip("`") for row in table("Commands")) == sorted(commands)


def test_readme_blocks_are_short():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert 1 <= len(blocks) <= 2
    for block in blocks:
        assert len(block.splitlines()) <= 12
        compile(block, "README.md", "exec")
