"""The whole walk in one place: what the command line and the other doors call.

picture -> Still -> Scene -> Report -> Plan -> Clip -> Inspection -> OUT.json

``proposing`` goes as far as the plan, ``plans`` reads and writes it, ``making`` writes the clip and its record,
``examining`` inspects any clip. ``film`` makes many of them into one, ``shots`` keeping what is rendered.
"""

from stillwake.workflow.examining import examine
from stillwake.workflow.files import record_path
from stillwake.workflow.film import assemble, plan_film
from stillwake.workflow.making import animate
from stillwake.workflow.plans import open_plan, portable_plan
from stillwake.workflow.proposing import error_of, hear, look, propose
from stillwake.workflow.runs import Run, broken_off
from stillwake.workflow.versions import package_versions

__all__ = [
    "Run",
    "animate",
    "assemble",
    "broken_off",
    "error_of",
    "examine",
    "hear",
    "look",
    "open_plan",
    "package_versions",
    "plan_film",
    "portable_plan",
    "propose",
    "record_path",
]
