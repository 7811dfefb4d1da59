"""Where stillwake keeps what outlives a run: paid jobs with what came of them, and runs that were broken off.

``STILLWAKE_HOME`` names the folder; without it, it is the one that the system has for such data. What runs on
this machine alone writes nothing here.
"""

from __future__ import annotations

import os
from pathlib import Path

from stillwake.errors import OutputError

__all__ = ["home"]


def home(*parts: str) -> Path:
    """That folder within the home, made if it was not there; only its owner may read it.

    Raises
    ------
    stillwake.errors.OutputError
        It cannot be made.
    """
    import platformdirs

    chosen = os.environ.get("STILLWAKE_HOME")
    root = Path(chosen).expanduser() if chosen else platformdirs.user_data_path("stillwake", appauthor=False)
    folder = root.joinpath(*parts)
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot keep anything in {folder}",
            error.strerror or type(error).__name__,
            "name another folder in STILLWAKE_HOME",
        ) from error
    return folder
