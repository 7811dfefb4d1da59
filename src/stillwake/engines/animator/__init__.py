"""The animator: moves what is in the picture, on an ordinary CPU, and nothing else.

A few named coefficients warp the picture; only the inside of the mouth and the lids are new pixels, so identity
and style cannot drift. `anatomy` measures the face, `fields` and `rig` ready it once, `tracks` says what moves
when, `warp` and `render` draw a frame. Photo and drawing differ in three places: where the anatomy comes from
(`contours`: a drawing's), the mouth (`lips` and `mouth`; `cel_mouth`) and the lids (`lids`; `cel_lids`); `parts` is
what they have in common, `ink` what a drawing's line is made of, and `gaze` moves photographed irises.

Where more than a face moves, `compose` brings together what does: `layers` takes the still apart and `fill` paints
what lies behind, `nearness` and `camera` move through it, `hair` sways, `flow` follows brush strokes, `ride` takes the
face along, `ambient` drifts through, and `living` draws it all in one sampling of each layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillwake.errors import NotReadyError, UsageError
from stillwake.types import no_progress

if TYPE_CHECKING:
    from stillwake.engines.animator.living import Living
    from stillwake.engines.animator.render import Talk
    from stillwake.types import Family, Progress, Scene, Shot, Speech


class Animator:
    """A face speaks, or a still lives: breath, hair, brushed water, a camera that moves; the rest stands still."""

    name = "animator"
    family: Family = "animator"
    motions = frozenset({"talk", "live"})
    summary = "moves what is in the picture: speech in sync, living loops, camera, brushed water; CPU, offline"

    def missing(self, model: str = "") -> str | None:
        """None: everything it needs comes with stillwake."""
        return None

    def prepare(
        self, scene: Scene, shot: Shot, speech: Speech | None, on_progress: Progress = no_progress
    ) -> Talk | Living:
        """Rig the shot's face and lay out its motion.

        Raises
        ------
        stillwake.errors.UsageError
            The shot asks for another motion, for a face that is not there, or brings no speech to talk.
        stillwake.errors.NotReadyError
            The face has nothing to move it by, or a drawn one's mouth is not seen, or was not found where it is.
        """
        from stillwake.engines.animator.compose import compose
        from stillwake.engines.animator.contours import is_misread
        from stillwake.engines.animator.parts import SEEN

        if shot.motion not in self.motions:
            raise UsageError("Cannot animate", f"the animator has no motion {shot.motion!r}", "ask for talk or live")
        if speech is None and shot.motion == "talk":
            raise UsageError("Cannot animate", "a talking face needs words or a recording", "use --say or --sound")
        if shot.motion == "live" and not shot.motions:
            return compose(scene, shot, None, None)
        if not 1 <= shot.face <= len(scene.faces):
            raise UsageError(
                "Cannot animate", f"there is no face {shot.face} among {len(scene.faces)}", "choose another --face"
            )
        face = scene.faces[shot.face - 1]
        drawn = face.mesh is None
        if drawn and face.kind != "drawn":
            raise NotReadyError("Cannot animate", "the face has no mesh to move", "use a photograph or a painting")
        if drawn and shot.motion == "talk" and face.confidence.get("mouth", 0.0) < SEEN:
            raise NotReadyError(
                "Cannot animate", "the drawn face's mouth is not seen", "use a still where nothing covers the mouth"
            )
        if drawn and shot.motion == "talk" and is_misread(face.mouth):
            raise NotReadyError(
                "Cannot animate",
                "the drawn face's mouth was not found: its chin was taken for one",
                "put the mouth right in a face file: stillwake perceive STILL --face N -o FACE.json, then --face-file",
            )
        return compose(scene, shot, speech, face)
