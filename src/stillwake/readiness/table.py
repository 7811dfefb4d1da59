"""All checks with their limits and where these come from, as one table: ``docs/checks.md`` is made from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stillwake.readiness import anatomy, background, character, expression, face, file, framing
from stillwake.readiness.limits import Limit
from stillwake.readiness.unlooked import ANIMATOR_CHECKS, CHECKS, FILE_CHECKS

LIMITS: Mapping[str, Limit] = {
    check: limit
    for module in (face, character, anatomy, expression, framing, background, file)
    for check, limit in module.LIMITS.items()
}

_HEAD = """# The checks

Made by `make docs` out of the code; a test keeps them alike. A check answers `pass`, `warn`, `fail` or `unseen`.
A limit says from where on it warns; a dash under "fails" means that the check has not earned a `fail` yet, however
bad the value. A check without a limit tells what it reads, or only a vision-language model (`--judge`) can answer it.

"""


def checks_table() -> str:
    """The table, in Markdown."""
    return _HEAD + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    groups = [*CHECKS.items(), ("file", FILE_CHECKS), ("for an animator", ANIMATOR_CHECKS)]
    yield "| sign | check | warns at | fails at | unit | where the limit comes from |"
    yield "|---|---|---|---|---|---|"
    for sign, checks in groups:
        for check, why in checks.items():
            limit = LIMITS.get(check)
            if limit is None:
                origin = f"unseen: {why}" if why else "told, not judged, or a plain rule"
                yield f"| {sign} | {check} | | | | {origin} |"
                continue
            for name, held in ((check, limit), (f"{check}, drawn", LIMITS.get(f"{check}, drawn"))):
                if held is not None:
                    fail = "-" if held.fail is None else f"{held.fail:g}"
                    yield f"| {sign} | {name} | {held.warn:g} | {fail} | {held.unit} | {held.source} |"
