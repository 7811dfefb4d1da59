"""Run the benchmarks one after the other, each in a fresh process, and say on which machine.

python -m benchmarks [NAME ...] [--options of the one that is named]
"""

from __future__ import annotations

import ast
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent


def machine() -> str:
    """The processor, its cores, the system and Python, in one line."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def benchmarks() -> dict[str, str]:
    """Name -> what it measures, of every benchmark in this folder: a module with a ``main``, a package to be run."""
    found = {}
    for path in (*HERE.glob("*.py"), *HERE.glob("*/__main__.py")):
        package = path.name == "__main__.py" and path.parent != HERE
        name = path.parent.name if package else path.stem
        tree = ast.parse(path.read_text())
        runs = any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)
        if package or (runs and not name.startswith("_")):
            found[name] = (ast.get_docstring(tree) or name).splitlines()[0]
    return dict(sorted(found.items()))


def run(words: list[str]) -> int:
    """The exit status: 1 where a name is unknown or a benchmark failed.

    ``words`` are names, and from the first option on what is handed to the only one of them.
    """
    known = benchmarks()
    at = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
    names, options = words[:at], words[at:]
    if options and len(names) != 1:
        print(f"Name one benchmark for {options[0]}; choose from {', '.join(known)}.", file=sys.stderr)
        return 1
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"There is no benchmark {unknown[0]}; choose from {', '.join(known)}.", file=sys.stderr)
        return 1
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}", flush=True)
    status = 0
    for name in names or known:
        again = " ".join([name, *options])
        print(f"\n## {name}: {known[name]}\n   repeat it with: python -m benchmarks {again}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], cwd=HERE.parent, check=False)
        if done.returncode:
            print(f"   {name} failed with status {done.returncode}", flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
