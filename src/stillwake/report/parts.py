"""What both pages are made of: the templates, a picture as an address, a number and its limit in words."""

from __future__ import annotations

import base64
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template

RANK = {"fail": 0, "warn": 1, "pass": 2, "unseen": 3}


def template(name: str) -> Template:
    """One of the pages; whatever is put into it is escaped."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    room = files("stillwake.report")
    loader = FunctionLoader(lambda part: (room / part).read_text(encoding="utf-8"))
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)


def address(jpeg: bytes) -> str:
    """A picture as an address that holds it."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
