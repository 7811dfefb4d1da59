"""Which packages a run was made with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "stillwake",
    "mediapipe",
    "numpy",
    "opencv-contrib-python",
    "onnxruntime",
    "rapidocr",
    "scipy",
    "pillow",
    "av",
    "pocketsphinx",
    "espeakng-loader",
    "pydantic",
)
"""The packages whose version may change a frame, a time or a record."""


def package_versions() -> dict[str, str]:
    """Name -> version of Python and of every package that may change the result; "missing" where there is none."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "missing"
    return versions
