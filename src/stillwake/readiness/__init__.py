"""Scene -> Report: is this still ready to be animated, and what should be mended?"""

from __future__ import annotations

from stillwake.readiness.gate import advice, check, require_ready
from stillwake.readiness.judge import EndpointJudge, FrameJudge, Judge, judged
from stillwake.readiness.unlooked import CHECKS

__all__ = ["CHECKS", "EndpointJudge", "FrameJudge", "Judge", "advice", "check", "judged", "require_ready"]
