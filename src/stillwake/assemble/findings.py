"""What a proof says, in findings: each fault on its own, all that is well in one."""

from __future__ import annotations

from collections.abc import Sequence

from stillwake.assemble.edit import Picture
from stillwake.types import ClipFinding

MOST_FINDINGS = 5
"""So many findings of one kind are told apart; the rest is counted."""
AGAIN = "join the film again"
"""What to do about a fault of the join."""


def named(picture: Picture) -> str:
    """The shot of a picture, for a sentence."""
    return f"shot {picture.shot + 1} ({picture.name})"


def more(found: Sequence[object], place: int) -> str:
    """The end of the first sentence where there are more than are told."""
    rest = len(found) - MOST_FINDINGS
    return f"; {rest} more follow" if rest > 0 and place == 0 else ""


def together(name: str, findings: list[ClipFinding]) -> list[ClipFinding]:
    """One finding for all that are well, each of the others its own, one for all that could not be seen."""
    wrong = [finding for finding in findings if finding.verdict in ("fail", "warn")]
    well = [finding for finding in findings if finding.verdict == "pass"]
    unseen = [finding for finding in findings if finding.verdict == "unseen"]
    said = wrong[:MOST_FINDINGS]
    if len(wrong) > MOST_FINDINGS:
        said[0] = said[0].model_copy(update={"why": said[0].why + more(wrong, 0)})
    if well:
        worst = max(well, key=lambda finding: abs(finding.measured or 0.0))
        why = worst.why if len(well) == 1 else f"{len(well)} are as planned"
        if len(well) > 1 and worst.measured:
            why += f"; the furthest off: {worst.why}"
        said.append(worst.model_copy(update={"why": why, "start": None, "end": None}))
    if unseen:
        why = unseen[0].why if len(unseen) == 1 else f"{len(unseen)} cannot be told, the first: {unseen[0].why}"
        said.append(ClipFinding(check=name, verdict="unseen", why=why))
    return said
