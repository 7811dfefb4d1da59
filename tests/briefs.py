"""Briefs and the family of engine that is right for each, written down before there was a router.

Each row: the still, what is asked, the right families, the rule that decides. The stills are those of
``test_route.py``; the words are of the kind that people type.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Case(NamedTuple):
    still: str
    brief: dict[str, Any]
    families: str
    rule: str


ANIMATOR, GENERATOR, BOTH = "animator", "generator", "animator+generator"

SAY = "Good morning, everybody."

CASES: tuple[Case, ...] = (
    # ------------------------------------------------------------------------------------------ speech in sync
    Case("portrait", {"say": SAY}, ANIMATOR, "speech"),
    Case("drawn", {"say": SAY}, ANIMATOR, "speech"),
    Case("portrait", {"say": SAY, "prompt": "she talks to the camera, friendly"}, ANIMATOR, "speech"),
    Case("portrait", {"say": SAY, "prompt": "talking head, background must not move"}, ANIMATOR, "speech"),
    Case("portrait", {"say": SAY, "prompt": "slow push in while he speaks"}, ANIMATOR, "speech"),
    Case("portrait", {"say": SAY, "camera": "slow push in"}, ANIMATOR, "speech"),
    Case("drawn", {"say": SAY, "prompt": "anime girl talking, hair swaying gently, blinking"}, ANIMATOR, "speech"),
    Case("drawn", {"say": SAY, "prompt": "she speaks while cherry blossom petals drift past"}, ANIMATOR, "speech"),
    Case(
        "portrait", {"say": SAY, "prompt": "cinematic lighting, 4k, highly detailed, masterpiece"}, ANIMATOR, "speech"
    ),
    Case("portrait", {"say": SAY, "prompt": "he explains the offer and nods"}, ANIMATOR, "speech"),
    Case("portrait", {"prompt": "the woman says hello to us"}, ANIMATOR, "speech"),
    Case("portrait", {"prompt": "make him talk"}, ANIMATOR, "speech"),
    Case("drawn", {"prompt": "lip sync to my song"}, ANIMATOR, "speech"),
    # -------------------------------------------------------------------------- speech, and what only a generator can
    Case("portrait", {"say": SAY, "prompt": "he talks while waves crash behind him"}, BOTH, "speech and scene"),
    Case("portrait", {"say": SAY, "prompt": "cars drive past behind her"}, BOTH, "speech and scene"),
    Case("portrait", {"say": SAY, "prompt": "she speaks, then turns and walks away"}, BOTH, "speech and scene"),
    Case("drawn", {"say": SAY, "prompt": "she talks, then draws her sword and leaps"}, BOTH, "speech and scene"),
    Case("portrait", {"say": SAY, "prompt": "drone shot over the city, then he speaks"}, BOTH, "speech and scene"),
    Case("portrait", {"say": SAY, "prompt": "the crowd behind him cheers and waves flags"}, BOTH, "speech and scene"),
    # ------------------------------------------------------------------------------------------ a living photo
    Case("portrait", {}, ANIMATOR, "living loop"),
    Case("drawn", {"loop": True}, ANIMATOR, "living loop"),
    Case("portrait", {"seconds": 8}, ANIMATOR, "living loop"),
    Case("portrait", {"prompt": "subtle breathing and blinking, seamless loop"}, ANIMATOR, "living loop"),
    Case("drawn", {"prompt": "gentle idle animation, hair sways, eyes blink"}, ANIMATOR, "living loop"),
    Case("drawn", {"prompt": "living wallpaper, barely moving"}, ANIMATOR, "living loop"),
    Case("portrait", {"prompt": "a living photo, he breathes quietly"}, ANIMATOR, "living loop"),
    Case("portrait", {"prompt": "cinemagraph of her hair moving in the breeze"}, ANIMATOR, "living loop"),
    Case("portrait", {"prompt": "slight head tilt and a soft blink"}, ANIMATOR, "small motion"),
    Case("portrait", {"prompt": "her eyes glance to the left, she blinks"}, ANIMATOR, "small motion"),
    Case("drawn", {"prompt": "hair flows softly in the wind"}, ANIMATOR, "small motion"),
    Case("portrait", {"prompt": "portrait photo, natural look, 85mm, bokeh"}, ANIMATOR, "living loop"),
    Case("portrait", {"prompt": "don't change her face, just a little life"}, ANIMATOR, "the face stays"),
    Case("portrait", {"keep_face": True}, ANIMATOR, "the face stays"),
    Case("portrait", {"prompt": "nothing in the background should move, she blinks"}, ANIMATOR, "small motion"),
    Case(
        "product", {"prompt": "keep the label exactly as it is, barely any movement"}, ANIMATOR, "the still is final"
    ),
    Case("portrait", {"prefer": "predictable"}, ANIMATOR, "predictable"),
    # ---------------------------------------------------------------------------------- a camera that 2.5D carries
    Case("coast", {"camera": "slow push in"}, ANIMATOR, "camera in the picture"),
    Case("coast", {"prompt": "slow push in"}, ANIMATOR, "camera in the picture"),
    Case("product", {"prompt": "slow zoom towards the bottle"}, ANIMATOR, "camera in the picture"),
    Case("product", {"prompt": "subtle parallax, the product stands still"}, ANIMATOR, "camera in the picture"),
    Case("coast", {"prompt": "gentle pan to the left"}, ANIMATOR, "camera in the picture"),
    Case("street", {"prompt": "Ken Burns effect"}, ANIMATOR, "camera in the picture"),
    Case("street", {"prompt": "handheld camera, slight shake"}, ANIMATOR, "camera in the picture"),
    Case("portrait", {"prompt": "slight orbit to the right around him"}, ANIMATOR, "camera in the picture"),
    Case(
        "coast", {"prompt": "camera slowly tilts up, no people, nothing else moves"}, ANIMATOR, "camera in the picture"
    ),
    Case("drawn", {"prompt": "snow falls gently, slow dolly in"}, ANIMATOR, "camera in the picture"),
    Case("street", {"prompt": "light rain"}, ANIMATOR, "ambience"),
    Case("street", {"ambient": "snow"}, ANIMATOR, "ambience"),
    Case("product", {"prompt": "dust particles floating in the light"}, ANIMATOR, "ambience"),
    Case("coast", {"brush": True}, ANIMATOR, "what is brushed"),
    Case("coast", {"brush": True, "prompt": "the water flows"}, ANIMATOR, "what is brushed"),
    # ------------------------------------------------------------------------------------ a camera beyond the picture
    Case("coast", {"prompt": "drone flies over the cliffs and along the beach"}, GENERATOR, "camera beyond"),
    Case("street", {"prompt": "the camera flies through the street and round the corner"}, GENERATOR, "camera beyond"),
    Case("product", {"prompt": "360 degree orbit around the bottle"}, GENERATOR, "camera beyond"),
    Case("portrait", {"prompt": "the camera circles behind her and shows what she sees"}, GENERATOR, "camera beyond"),
    Case("coast", {"prompt": "pull back to reveal the whole island"}, GENERATOR, "camera beyond"),
    Case("street", {"prompt": "FPV shot racing down the road"}, GENERATOR, "camera beyond"),
    # -------------------------------------------------------------------------------------------------- environment
    Case(
        "coast",
        {"prompt": "slow camera push forward, waves breaking in the foreground", "seconds": 12},
        GENERATOR,
        "environment",
    ),
    Case("coast", {"prompt": "the sea is moving, clouds drift by"}, GENERATOR, "environment"),
    Case("street", {"prompt": "people walking, traffic passing"}, GENERATOR, "environment"),
    Case("street", {"prompt": "neon signs flicker, steam rises from the grates"}, GENERATOR, "environment"),
    Case("coast", {"prompt": "a thunderstorm rolls in, lightning strikes"}, GENERATOR, "environment"),
    Case("product", {"prompt": "steam curls up from the coffee"}, GENERATOR, "environment"),
    Case("coast", {"prompt": "timelapse from day to night"}, GENERATOR, "change"),
    Case("product", {"prompt": "the bottle is splashed with water in slow motion"}, GENERATOR, "environment"),
    Case("drawn", {"prompt": "flames burn around her"}, GENERATOR, "environment"),
    # ------------------------------------------------------------------------------------------------------- action
    Case("figure", {"prompt": "she turns and walks away"}, GENERATOR, "action"),
    Case("figure", {"prompt": "he dances"}, GENERATOR, "action"),
    Case("drawn", {"prompt": "the girl jumps and swings her sword"}, GENERATOR, "action"),
    Case(
        "portrait",
        {"prompt": "she laughs, throws her head back and runs a hand through her hair"},
        GENERATOR,
        "action",
    ),
    Case("portrait", {"prompt": "he stands up and leaves the room"}, GENERATOR, "action"),
    Case("product", {"prompt": "a hand picks up the bottle and pours"}, GENERATOR, "action"),
    Case("animal", {"prompt": "the dog runs towards us wagging its tail"}, GENERATOR, "action"),
    Case("figure", {"prompt": "the car drives off", "seconds": 5}, GENERATOR, "action"),
    Case("portrait", {"prompt": "she turns around"}, GENERATOR, "action"),
    Case("product", {"prompt": "the box opens and the shoe floats out"}, GENERATOR, "action"),
    Case("figure", {"prompt": "she waves at the camera"}, GENERATOR, "action"),
    # ------------------------------------------------------------------------------------- change, range, reference
    Case("portrait", {"prompt": "she slowly turns into a wolf"}, GENERATOR, "change"),
    Case("drawn", {"prompt": "her outfit morphs into armour"}, GENERATOR, "change"),
    Case("street", {"prefer": "range", "prompt": "something surprising happens"}, GENERATOR, "range"),
    Case("figure", {"takes": 4, "prompt": "different ideas for a fashion clip"}, GENERATOR, "range"),
    Case("coast", {"reference": True, "prompt": "in the mood of this picture"}, GENERATOR, "reference"),
    Case("portrait", {"end_frame": "smiling.png"}, GENERATOR, "end frame"),
    # -------------------------------------------------------------------------------------------------- what is denied
    Case("portrait", {"prompt": "no camera movement, he blinks, he does not turn"}, ANIMATOR, "small motion"),
    Case("coast", {"prompt": "do not zoom; the waves roll in"}, GENERATOR, "environment"),
    Case("street", {"prompt": "pan right without anyone moving"}, ANIMATOR, "camera in the picture"),
    Case("portrait", {"say": SAY, "prompt": "no waves, no wind, nothing behind her moves"}, ANIMATOR, "speech"),
    # ---------------------------------------------------------------------------------------------- asked for by name
    Case("coast", {"engine": "echo"}, ANIMATOR, "asked for"),
    Case("coast", {"engine": "runway", "prompt": "slow push in"}, GENERATOR, "asked for"),
    Case("portrait", {"engine": "did", "say": SAY}, ANIMATOR, "asked for"),
)
