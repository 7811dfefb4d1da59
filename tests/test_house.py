"""The house keeps its own rules: the order of the rooms, light doors, names and errors that the docs tell of."""

from __future__ import annotations

import ast
import inspect
import json
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import stillwake
from stillwake import errors

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "stillwake"

ORDER = (
    "errors",
    "types",
    "home",
    "moves",
    "makers",
    "media",
    "testing",
    "perceive",
    "readiness",
    "speech",
    "route",
    "engines",
    "inspection",
    "assemble",
    "report",
    "workflow",
    "doctor",
    "cli",
    "__main__",
    "web",
    "batch",
)
"""A room imports only from those before it, and from itself."""


# ------------------------------------------------------------------------------------------- the order of the rooms


def rooms_imported(source: str, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """(line, room) of everything a module of ours imports from us, however it is spelt.

    ``module`` is the full dotted name, "stillwake.media.sound"; ``is_package`` says that it is an ``__init__``.
    """
    for node in ast.walk(ast.parse(source)):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                up = node.level - (1 if is_package else 0)
                base = ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])
            targets = [f"{base}.{alias.name}" for alias in node.names]
        for target in targets:
            match target.split("."):
                case ["stillwake", "__version__"]:
                    pass
                case ["stillwake", name, *_]:
                    yield node.lineno, stillwake._HOME.get(name, name)
                case ["stillwake"]:
                    yield node.lineno, "everything: import stillwake"


def breaches(source: str, module: str, is_package: bool = False) -> list[str]:
    room = module.split(".")[1]
    if room not in ORDER:
        return [f"{module} has no place in the order"]
    allowed = ORDER[: ORDER.index(room) + 1]
    return [
        f"{module}:{line} imports {other}"
        for line, other in rooms_imported(source, module, is_package)
        if other not in allowed
    ]


def test_every_module_imports_only_from_the_rooms_before_it() -> None:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        if parts == ("stillwake", "__init__"):
            continue  # the table of public names: it names every room and imports none until asked
        is_package = parts[-1] == "__init__"
        found += breaches(path.read_text(), ".".join(parts[:-1] if is_package else parts), is_package)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "import stillwake.workflow",
        "import stillwake.workflow as w",
        "from stillwake.workflow import animate",
        "from stillwake import workflow",
        "from stillwake import animate",
        "import stillwake",
        "from .. import workflow",
        "from ..workflow import animate",
        "def f():\n    from stillwake.workflow import animate",
        "if TYPE_CHECKING:\n    from stillwake.workflow import animate",
    ],
)
def test_the_order_bites_however_it_is_spelt(line: str) -> None:
    assert breaches(line, "stillwake.media.sound")


@pytest.mark.parametrize("line", ["from . import workflow", "from .workflow import animate"])
def test_the_order_bites_in_a_room_of_one_file_and_in_a_package(line: str) -> None:
    assert breaches(line, "stillwake.route")
    assert breaches(line.replace(".", "..", 1), "stillwake.media", is_package=True)
    assert not breaches(line, "stillwake.media", is_package=True), "stillwake.media.workflow is its own"


@pytest.mark.parametrize(
    "line",
    ["from stillwake.errors import InputError", "from ..types import Still", "from . import files", "import numpy"],
)
def test_the_order_lets_the_rest_pass(line: str) -> None:
    assert not breaches(line, "stillwake.media.sound")


def test_a_module_without_a_place_is_a_breach() -> None:
    assert breaches("", "stillwake.odds_and_ends")


# --------------------------------------------------------------------------------------------------- light doors

HEAVY = (
    "numpy", "pydantic", "cv2", "av", "PIL", "mediapipe", "scipy", "pocketsphinx", "jax", "matplotlib", "onnxruntime",
    "rapidocr", "httpx", "jinja2",
)  # fmt: skip


def modules_after(code: str) -> set[str]:
    program = f"import sys, json\n{code}\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import stillwake",
        "from stillwake.cli import main; main(['--help'])",
        "from stillwake.cli import main; main(['animate', '--help'])",
        "from stillwake.cli import main; main(['--version'])",
        "from stillwake.cli import main; main(['no-such-verb'])",
    ],
)
def test_nothing_heavy_is_imported_at_the_door(code: str) -> None:
    loaded = modules_after(code)
    assert "stillwake" in loaded
    assert not loaded.intersection(HEAVY)


def test_the_test_for_heavy_modules_bites() -> None:
    assert modules_after("from stillwake import Still").intersection(HEAVY)


def quickest(*command: str) -> float:
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], capture_output=True, check=True, timeout=60)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def test_help_answers_at_once() -> None:
    # 11 times an empty Python on the machine it was written on (0.18 s to 0.016 s); numpy alone would be 15 more.
    assert quickest("-m", "stillwake", "--help") < 25 * quickest("-c", "pass")


# ------------------------------------------------------------------------------------------------- names and docs


def test_public_names_are_those_of_the_docs() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "api.md").read_text(), flags=re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == set(stillwake.__all__)


@pytest.mark.parametrize("name", stillwake.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(stillwake, name) is not None
    assert name in dir(stillwake)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse((SOURCE / "__init__.py").read_text())
    (guarded,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        (node.module, alias.name)
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    assert seen == {(f"stillwake.{module}", name) for module, names in stillwake._PUBLIC.items() for name in names}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        stillwake.nonsense  # noqa: B018  the look-up is the test


def test_everything_public_has_a_docstring_of_its_own() -> None:
    for name in stillwake.__all__:
        thing = getattr(stillwake, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, name


# --------------------------------------------------------------------------------------------------------- errors


def drawn_tree() -> dict[str, tuple[str, int]]:
    """Class -> (parent, exit status) as the docstring of ``errors`` draws it."""
    assert errors.__doc__
    tree: dict[str, tuple[str, int]] = {}
    ancestry: list[tuple[int, str, int]] = []
    for line in errors.__doc__.splitlines()[2:]:
        drawn = re.match(r"^(\W*)([A-Z]\w+)\s*(\d*)", line)
        if not drawn:
            continue
        depth = len(drawn[1])
        ancestry = [step for step in ancestry if step[0] < depth]
        parent, inherited = (ancestry[-1][1], ancestry[-1][2]) if ancestry else ("Exception", 1)
        status = int(drawn[3]) if drawn[3] else inherited
        if line.startswith("StillwakeError"):
            status = 1
        tree[drawn[2]] = (parent, status)
        ancestry.append((depth, drawn[2], status))
    return tree


def error_classes() -> list[type[errors.StillwakeError]]:
    return [thing for thing in vars(errors).values() if inspect.isclass(thing) and issubclass(thing, Exception)]


def test_the_drawn_tree_is_the_tree() -> None:
    real = {cls.__name__: (cls.__mro__[1].__name__, cls.exit_status) for cls in error_classes()}
    assert drawn_tree() == real


@pytest.mark.parametrize("cls", error_classes())
def test_an_error_is_one_sentence_with_a_fix_and_travels(cls: type[errors.StillwakeError]) -> None:
    import pickle

    error = cls() if cls is errors.Cancelled else cls("Cannot do it", "it is late", "sleep first")
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
    assert error.fix in text
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cls
    assert str(again) == text


def test_the_docs_tell_every_exit_status() -> None:
    told = dict(re.findall(r"^\| (\d+) \| (.+?) \|", (ROOT / "docs" / "errors.md").read_text(), flags=re.MULTILINE))
    assert {int(status) for status in told} >= {0, 1, *(cls.exit_status for cls in error_classes())}


# ------------------------------------------------------------------------------------------------ what is installed


def requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["dev"]]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_constraints_are_names_and_versions_only() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"#.*|[a-z0-9-]+==[0-9][0-9a-z.]*", line), line
    assert "//" not in (ROOT / "constraints.txt").read_text()


def test_everything_asked_for_is_pinned_within_what_is_asked() -> None:
    from packaging.requirements import Requirement

    for line in requirements():
        requirement = Requirement(line)
        assert pins().get(requirement.name.lower()), f"{requirement.name} is not pinned"
        assert requirement.specifier.contains(pins()[requirement.name.lower()]), line


def test_the_network_is_refused() -> None:
    with pytest.raises(AssertionError, match="network"):
        socket.create_connection(("127.0.0.1", 9))
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as plug,
        pytest.raises(AssertionError, match="network"),
    ):
        plug.connect(("127.0.0.1", 9))
