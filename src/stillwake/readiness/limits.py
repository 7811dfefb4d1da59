"""What a measured value is held against, and where that number comes from."""

from __future__ import annotations

from dataclasses import dataclass

from stillwake.types import Verdict


@dataclass(frozen=True, slots=True)
class Limit:
    """Where a measured value starts to warn and to fail, and where these numbers come from.

    ``fail`` None: this check has not earned a ``fail``, so it warns at most.
    """

    warn: float
    fail: float | None
    unit: str
    source: str

    def high(self, value: float) -> tuple[Verdict, float]:
        """The verdict for a value that should be low, and the limit it was held against."""
        if self.fail is not None and value > self.fail:
            return "fail", self.fail
        return ("warn", self.warn) if value > self.warn else ("pass", self.warn)

    def low(self, value: float) -> tuple[Verdict, float]:
        """The verdict for a value that should be high, and the limit it was held against."""
        if self.fail is not None and value < self.fail:
            return "fail", self.fail
        return ("warn", self.warn) if value < self.warn else ("pass", self.warn)
