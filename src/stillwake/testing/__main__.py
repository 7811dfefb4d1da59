"""``python -m stillwake.testing runway --port 8801 --fault create:429:2``: one fake, until Ctrl-C."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Sequence

from stillwake.testing import PROVIDERS, FakeProvider


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve, having said where and what to export; 0 after Ctrl-C, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m stillwake.testing", description=__doc__)
    parser.add_argument("provider", choices=sorted(PROVIDERS))
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="STEP:KIND[:TIMES[:SECONDS]]", help="TIMES may be: forever"
    )
    parser.add_argument("--polls", type=int, default=2, help="answers about a job before it is done")
    parser.add_argument("--seconds", type=float, help="time before a job is done, in place of --polls")
    parser.add_argument("--width", type=int, default=320, help="px of the clips' longer side; 0: as asked for")
    parser.add_argument("--balance", type=float, help="what the account holds")
    parser.add_argument("--concurrency", type=int, help="jobs at once")
    parser.add_argument("--jwt", action="store_true", help="kling: two keys in place of one")
    given = parser.parse_args(arguments)
    try:
        fake = FakeProvider(
            given.provider,
            script=given.fault,
            polls=given.polls,
            seconds=given.seconds,
            width=given.width or None,
            port=given.port,
            balance=given.balance,
            concurrency=given.concurrency,
            jwt=given.jwt,
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))
    for sign in (signal.SIGINT, signal.SIGTERM):  # one that was started in the background ignores the first otherwise
        signal.signal(sign, signal.default_int_handler)
    with fake:
        lines = [fake.url, *(f"export {name}={shlex.quote(value)}" for name, value in fake.env.items())]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass
    sys.stderr.write(f"\n{fake.creates} jobs accepted, {fake.spent:g} {fake.unit} spent\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
