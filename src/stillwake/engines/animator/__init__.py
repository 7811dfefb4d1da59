"""The animator: moves what is in the picture, on an ordinary CPU, and nothing else.

A few named coefficients warp the picture; only the inside of the mouth and the lids are new pixels, so identity
and style cannot drift. `anatomy` measures the face, `fields` and `rig` ready it once, `tracks` says what moves
when, `warp` and `render` draw a frame. Photo and drawing differ in three places: where the anatomy comes from
(`contours`: a drawing's), the mouth (`lips` and `mouth`; `cel_mouth`) and the lids (`lids`; `cel_lids`); `parts` is
what they have in common and `ink` what a drawing's line is made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stillwake.errors import NotReadyError, UsageError

if TYPE_CHECKING:
    from stillwake.engines.animator.render import Talk
    from stillwake.types import Family, Scene, Shot, Speech


class Animator:
    """A face speaks, or blinks and breathes in a loop; the background stands still."""

    name = "animator"
    family: Family = "animator"
    motions = frozenset({"talk", "live"})
    summary = "moves the face in the picture: speech in sync, living loops, blinks, breath; CPU, offline"

    def missing(self) -> str | None:
        """None: everything it needs comes with stillwake."""
        return None

    def prepare(self, scene: Scene, shot: Shot, speech: Speech | None) -> Talk:
        """Rig the shot's face and lay out its motion.

        Raises
        ------
        stillwake.errors.UsageError
            The shot asks for another motion, for a face that is not there, or brings no speech to talk.
        stillwake.errors.NotReadyError
            The face has nothing to move it by, or a drawn one's mouth is not seen.
        """
        from stillwake.engines.animator.parts import SEEN, eyes_seen
        from stillwake.engines.animator.render import Talk
        from stillwake.engines.animator.rig import build_rig
        from stillwake.engines.animator.tracks import live_track, talk_track

        if shot.motion not in self.motions:
            raise UsageError("Cannot animate", f"the animator has no motion {shot.motion!r}", "ask for talk or live")
        if speech is None and shot.motion == "talk":
            raise UsageError("Cannot animate", "a talking face needs words or a recording", "use --say or --sound")
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
        rig = build_rig(scene, face)
        blinks = any(eyes_seen(face))
        held = drawn and not shot.smooth
        if speech is None or shot.motion == "live":
            track = live_track(shot.fps, shot.frame_count, shot.seed, blinks, held)
        else:
            track = talk_track(rig.face, speech, shot.fps, shot.frame_count, shot.seed, blinks, held)
        return Talk(rig, track, shot.fps)
