"""Run the benchmarks one after the other, each in a fresh process, and say on which machine."""

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
    """Name -> what it measures, of every benchmark in this folder."""
    found = {}
    for path in sorted(HERE.glob("*.py")):
        tree = ast.parse(path.read_text())
        if not path.stem.startswith("_") and any(
            isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body
        ):
            found[path.stem] = (ast.get_docstring(tree) or path.stem).splitlines()[0]
    return found


def run(names: list[str]) -> int:
    """The exit status: 1 where a name is unknown or a benchmark failed."""
    known = benchmarks()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"There is no benchmark {unknown[0]}; choose from {', '.join(known)}.", file=sys.stderr)
        return 1
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}", flush=True)
    status = 0
    for name in names or known:
        print(f"\n## {name}: {known[name]}\n   repeat it with: python -m benchmarks {name}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent, check=False)
        if done.returncode:
            print(f"   {name} failed with status {done.returncode}", flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
