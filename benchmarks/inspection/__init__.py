"""The benchmark of the inspection of clips: good clips injured at a known time and place. See ``--help``.

`takes` what is injured, from `ours` and `real`; `injure_sound`, `injure_light`, `injure_shape`, `injure_time` do it,
`injuries` lists them with the checks that may answer, `truth` says what was done; `cases` runs them, `score` counts.
"""

from .injuries import INJURIES, injured
from .takes import Take, a_still, a_take, encoded, inspected

__all__ = ["INJURIES", "Take", "a_still", "a_take", "encoded", "injured", "inspected"]
