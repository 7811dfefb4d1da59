"""What a measured value is held against, and where that number comes from."""

from __future__ import annotations

from dataclasses import dataclass

from stillwake.types import Box, Finding, Verdict


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

    def finding(
        self,
        check: str,
        value: float,
        *,
        good: str,
        bad: str,
        fix: str,
        low: bool = False,
        digits: int = 2,
        box: Box | None = None,
        bad_box: Box | None = None,
    ) -> Finding:
        """The finding about a value: in the words ``good`` where it passes, else ``bad`` and the ``fix``.

        ``low`` where small values are the bad ones; ``bad_box`` in place of ``box`` where it does not pass.
        """
        verdict, limit = self.low(value) if low else self.high(value)
        passed = verdict == "pass"
        return Finding(
            check=check,
            verdict=verdict,
            measured=round(value, digits),
            unit=self.unit,
            limit=limit,
            box=box if passed else bad_box or box,
            why=good if passed else bad,
            fix="" if passed else fix,
        )
