"""Whether this machine has everything, found out by trying each thing once."""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from stillwake.errors import StillwakeError, UnavailableError

__all__ = ["Thing", "demo_drawing", "demo_still", "examine_machine"]

AGAIN = "install stillwake again into a fresh environment"


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that is needed: whether it is there, what was found, and what to do if it is not."""

    name: str
    good: bool
    words: str
    fix: str = ""


def examine_machine() -> Iterator[Thing]:
    """Each thing that is needed, as soon as it has been tried."""
    good = (3, 11) <= sys.version_info[:2] <= (3, 12)
    yield Thing("python", good, platform.python_version(), "" if good else "use Python 3.11 or 3.12")
    yield from _packages()
    for name, trial, fix in (
        ("face models", _faces, AGAIN),
        ("alignment", _alignment, AGAIN),
        ("voices", _voices, AGAIN),
        ("encoders", _encoders, "install PyAV's wheel again: pip install --force-reinstall av"),
        ("temporary folder", _temporary_folder, "name a folder that can be written to in TMPDIR"),
        ("generators of one's own", _generators, "install them again: pip install 'stillwake[diffusion]'"),
        ("hosted engines", _hosted, AGAIN),
        ("folder of hosted jobs", _journal, "name another folder in STILLWAKE_HOME"),
    ):
        yield _tried(name, trial, fix)


def _packages() -> Iterator[Thing]:
    from stillwake.workflow import package_versions

    versions = package_versions()
    del versions["python"]
    for name, found in versions.items():
        yield Thing(name, found != "missing", found, AGAIN if found == "missing" else "")


def _tried(name: str, trial: Callable[[], str], fix: str) -> Thing:
    try:
        return Thing(name, True, trial())
    except StillwakeError as error:
        return Thing(name, False, f"{error.what}: {error.why}", error.fix)
    except (ImportError, OSError, ValueError, RuntimeError) as error:  # what a broken wheel raises
        return Thing(name, False, " ".join(f"{type(error).__name__}: {error}".split())[:200], fix)


def _faces() -> str:
    import numpy as np

    from stillwake.perceive import perceive
    from stillwake.types import Still

    scene = perceive(Still(np.full((256, 256, 3), 128, np.uint8), "grey", "0" * 64))
    if scene.faces:
        raise RuntimeError("a grey picture has a face")
    return f"they load and look ({scene.seen.get('faces', 'unnamed')})"


def _alignment() -> str:
    from stillwake.speech import listen, say

    spoken = say("Ready.", language="en")
    heard = listen(spoken.sound, "Ready.", "en")
    return f"it finds {len(heard.words)} of 1 word again"


def _voices() -> str:
    from stillwake.speech import voices

    return f"{len(voices())} voices"


def _encoders() -> str:
    import av

    missing = [name for name in ("libx264", "aac", "png") if name not in av.codecs_available]
    if missing:
        raise RuntimeError(f"PyAV has no {' and no '.join(missing)}")
    return "x264, AAC and PNG"


def _temporary_folder() -> str:
    with tempfile.TemporaryFile() as file:
        file.write(b"stillwake")
    return "it can be written to"


def _generators() -> str:
    """What local generators would run on; that they are not installed is no fault."""
    from stillwake.engines.diffusion.pipeline import card
    from stillwake.engines.diffusion.weights import installed

    if not installed():
        return "not installed; pip install 'stillwake[diffusion]' brings them"
    here = card()
    size = f"{here.total / 2**30:.0f} GiB"
    return f"on the CPU, hours a clip ({size})" if here.kind == "cpu" else f"on {here.name} ({size})"


def _hosted() -> str:
    """Which hosted engines have what they need; that none has is no fault."""
    from stillwake.engines import Available
    from stillwake.engines.remote.engine import PROVIDERS

    available = Available()
    ready = [name for name in PROVIDERS if name in available]
    return (
        f"ready: {', '.join(ready)}" if ready else "none has its key or its address set; stillwake engines says which"
    )


def _journal() -> str:
    from stillwake.engines.remote import jobs

    kept = jobs()
    unsure = sum(job.state == "unsure" for job in kept)
    told = f"{len(kept)} job{'' if len(kept) == 1 else 's'}"
    return f"it can be written to; {told}{f', {unsure} unsure: see stillwake jobs' if unsure else ''}"


def demo_still() -> Path:
    """The demo's photograph: NASA's portrait of Eileen Collins, public domain, which scikit-image's wheel carries.

    Raises
    ------
    stillwake.errors.UnavailableError
        scikit-image is not installed.
    """
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise UnavailableError(
            "Cannot make the demo",
            "its photograph comes with scikit-image, which is not installed",
            "run: pip install scikit-image",
        )
    still = Path(spec.origin).parent / "data" / "astronaut.png"
    if not still.is_file():
        raise UnavailableError(
            "Cannot make the demo",
            "scikit-image came without its photograph",
            "run: pip install --force-reinstall scikit-image",
        )
    return still


def demo_drawing() -> Path:
    """The demo's drawn portrait, which stillwake's own generator drew: ``training/drawn_faces/portrait.py``."""
    return Path(__file__).parent / "stills" / "mira.png"
