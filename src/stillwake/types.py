"""The finished things each step hands to the next.

    picture --open_still--> Still --perceive--> Scene --check--> Report
    Scene + Report + Brief --plan--> Plan --render--> Clip --inspect--> Inspection

Things that hold arrays are frozen, slotted dataclasses whose arrays are read-only; things that are written to
disk are frozen pydantic records that refuse unknown fields. Coordinates are pixels of the still with the origin
in the centre of the top left pixel, x to the right, y down; "left" and "right" are the viewer's, never the
sitter's. Times are seconds; a frame's time comes from its index and the fps as a Fraction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, PlainSerializer

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Samples = npt.NDArray[np.int16]
Size = tuple[int, int]
"""(width, height) in px."""
Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in px; x1 and y1 are outside."""

Verdict = Literal["pass", "warn", "fail", "unseen"]
Family = Literal["animator", "generator"]
Style = Literal["photo", "painting", "drawn"]
Aspect = Literal["9:16", "1:1", "4:5", "16:9"]
"""Width to height of a clip."""
SignName = Literal["character", "anatomy", "expression", "framing", "background"]
SIGNS: tuple[SignName, ...] = ("character", "anatomy", "expression", "framing", "background")

Progress = Callable[[str, int, int], None]
"""``on_progress(stage, done, total)``; raise `stillwake.errors.Cancelled` inside it to stop the work."""


def no_progress(stage: str, done: int, total: int) -> None:
    """Nothing: the progress callback of those who do not watch."""


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict of a group: its worst member; all unseen (or none at all) is unseen."""
    ranked: tuple[Verdict, ...] = ("fail", "warn", "pass")
    return next((verdict for verdict in ranked if verdict in verdicts), "unseen")


# ------------------------------------------------------------------------------------------------- what is seen


def _freeze(thing: object) -> None:
    """Make every array of a dataclass read-only and every mapping a view."""
    for f in fields(thing):  # type: ignore[arg-type]
        value = getattr(thing, f.name)
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
        elif isinstance(value, dict):
            object.__setattr__(thing, f.name, MappingProxyType(value))


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A picture, upright and in sRGB.

    ``pixels`` (H, W, 3) uint8 RGB; ``alpha`` (H, W) uint8 or None; ``sha256`` of the file's bytes; ``name`` the
    file's name without its folder; ``notes`` what opening changed, in words.
    """

    pixels: Pixels
    name: str
    sha256: str
    alpha: Pixels | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"pixels must be (H, W, 3) uint8, not {self.pixels.shape} {self.pixels.dtype}")
        if self.alpha is not None and self.alpha.shape != self.pixels.shape[:2]:
            raise ValueError(f"alpha must be {self.pixels.shape[:2]}, not {self.alpha.shape}")
        _freeze(self)

    @property
    def size(self) -> Size:
        """(width, height) in px."""
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """One eye's contours in px, each (N, 2) float32 and ordered from the viewer's left to right.

    ``upper_lid`` and ``lower_lid`` meet in the corners; ``brow`` is the brow's lower edge; ``iris`` is (x, y,
    radius), or None where it is not seen (closed, covered).
    """

    upper_lid: Floats
    lower_lid: Floats
    brow: Floats
    iris: tuple[float, float, float] | None

    def __post_init__(self) -> None:
        _freeze(self)


@dataclass(frozen=True, slots=True, eq=False)
class Mouth:
    """The lips' contours in px, each (N, 2) float32 from the viewer's left corner to the right one.

    The inner contours run where the lips part; in a closed mouth they lie on each other.
    """

    outer_upper: Floats
    outer_lower: Floats
    inner_upper: Floats
    inner_lower: Floats

    def __post_init__(self) -> None:
        _freeze(self)


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face with contours that mean the same for a photograph and a drawing.

    ``eyes`` (viewer's left, viewer's right); ``jaw`` (N, 2) from ear to ear through the chin; ``mesh`` (478, 3)
    float32, x and y in px and z in px towards the viewer being negative, in mediapipe's order, or None; angles
    in degrees: ``yaw`` positive when the face turns to the viewer's right, ``pitch`` positive when it looks down,
    ``roll`` positive when it tilts clockwise; ``confidence`` 0..1 for "face", "left eye", "right eye", "eyes" (both)
    and "mouth". Engines leave a part below .5 alone.
    """

    box: Box
    eyes: tuple[Eye, Eye]
    mouth: Mouth
    jaw: Floats
    nose_tip: tuple[float, float]
    chin: tuple[float, float]
    yaw: float
    pitch: float
    roll: float
    kind: Literal["photo", "drawn"]
    confidence: Mapping[str, float]
    mesh: Floats | None = None

    def __post_init__(self) -> None:
        _freeze(self)

    @property
    def size(self) -> float:
        """Width of the box in px."""
        return self.box[2] - self.box[0]


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """A hand as it is seen.

    ``landmarks`` (21, 2) float32 px, mediapipe's order (0 wrist, 1-4 thumb, then four a finger; 4, 8, 12, 16, 20 the
    tips): always five fingers, whatever the picture shows, and drawn on beyond the picture's edge. ``box`` around
    them; ``side`` the half of the picture it lies in, the viewer's; ``handedness`` whether it is a person's left or
    right hand, and ``score`` how sure the detector is of that, 0..1. The rest is what our own net reads in the upright
    crop: ``hand`` how likely it is a hand at all, 0..1; ``digits`` the expected count; ``extra`` the logit of "more
    than five"; ``missing`` the probability of "fewer than five", which means something on open hands only; ``open``
    how many straight digits are on view.
    """

    landmarks: Floats
    box: Box
    side: Literal["left", "right"]
    handedness: Literal["left", "right"]
    score: float
    hand: float
    digits: float
    extra: float
    missing: float
    open: float

    def __post_init__(self) -> None:
        _freeze(self)

    @property
    def size(self) -> float:
        """The longer side of the box in px."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One person's joints: ``joints`` (33, 2) float32 px in mediapipe's order, ``seen`` (33,) float32 0..1.

    Joints beyond the picture's edge are drawn where they would lie.
    """

    joints: Floats
    seen: Floats

    def __post_init__(self) -> None:
        _freeze(self)


@dataclass(frozen=True, slots=True)
class Writing:
    """A line of lettering: its box in px, what was read, and how sure the reader is, 0..1."""

    box: Box
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that looked like a face and is not one we can animate: its box and the reason, a clause."""

    box: Box
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """What moves in a picture, and which way.

    ``mask`` (H, W) float32 0..1, 1 where it moves; ``paths`` lines along which it moves, each (N, 2) float32 px from
    its start to its end, N at least 2; ``speed`` px/s, or None: gently; ``mode`` whether it flows on or only waves, or
    None: as suits the picture; ``name`` the file's, for sentences.
    """

    mask: Floats
    paths: tuple[Floats, ...]
    speed: float | None = None
    mode: Literal["flow", "wave"] | None = None
    name: str = "the brush"

    def __post_init__(self) -> None:
        for array in (self.mask, *self.paths):
            array.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What was seen in a still.

    ``faces`` largest first; ``refused`` what only looked like a face; ``matte`` (H, W) float32 0..1, 1 on people,
    or None; ``hands`` largest first, the ``body`` of the most prominent person and the lines of ``writing`` where
    something looked for them; ``seen`` names for each part ("faces", "matte", "style", "hands", ...) the detector that
    looked, or says ``"unseen: why"``; ``given`` the numbers, 1 being the largest face, of those a person gave.

    What a person or a model of theirs added: ``depth`` (H, W) float32, larger being nearer; ``strokes`` of a motion
    brush; ``pinned`` (H, W) bool, True where nothing may move; the picture a generated clip is to ``end`` on.
    """

    still: Still
    style: Style
    faces: tuple[Face, ...]
    refused: tuple[Refused, ...]
    matte: Floats | None
    seen: Mapping[str, str]
    hands: tuple[Hand, ...] = ()
    body: Body | None = None
    writing: tuple[Writing, ...] = ()
    given: tuple[int, ...] = ()
    depth: Floats | None = None
    strokes: Strokes | None = None
    pinned: npt.NDArray[np.bool_] | None = None
    end: Still | None = None

    def __post_init__(self) -> None:
        _freeze(self)

    def looked_for(self, part: str) -> bool:
        """Whether a detector looked for that part of ``seen``."""
        return part in self.seen and not self.seen[part].startswith("unseen")


# ------------------------------------------------------------------------------------------------- what is heard


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A recording or a synthesised voice, opened and measured.

    ``mono`` (N,) int16 at 16 kHz, for analysis; ``blocks()`` streams the original samples, (n, channels) int16 at
    ``rate`` Hz, from the start; ``seconds`` the exact length of that stream; ``name`` a file's name or "voice";
    ``notes`` what opening found, in words.
    """

    name: str
    sha256: str
    rate: int
    channels: int
    seconds: Fraction
    mono: Samples
    blocks: Callable[[], Iterator[Samples]]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _freeze(self)


VISEMES = ("rest", "MBP", "FV", "TH", "TDN", "L", "S", "CH", "K", "R", "W", "AA", "AE", "AH", "EH", "IY", "OW", "UW")
"""Mouth shapes: rest; closures (MBP) and lip on teeth (FV); consonants; vowels by their ARPABET example."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A label from ``start`` to ``end`` in seconds: a word, a phoneme (IPA) or a viseme of `VISEMES`."""

    start: float
    end: float
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """A sound with its timeline.

    ``phonemes`` and ``visemes`` are ordered and do not overlap; visemes cover the sound without gaps, "rest" where
    nobody speaks. ``source`` says how the timeline came about: "voice" (the synthesiser's own times), "aligned"
    (to a transcript), "recognised" (words decoded, then aligned), "phonemes" (phoneme recognition; the language
    is not known to the recogniser). ``confidence`` 0..1; ``notes`` what the user should know, in words.
    """

    sound: Sound
    language: str
    source: Literal["voice", "aligned", "recognised", "phonemes"]
    words: tuple[Timed, ...]
    phonemes: tuple[Timed, ...]
    visemes: tuple[Timed, ...]
    confidence: float = 1.0
    notes: tuple[str, ...] = ()


# ---------------------------------------------------------------------------------------------- what is written


def _fraction(value: Any) -> Any:
    return Fraction(value) if isinstance(value, str | int) else value


Seconds = Annotated[
    Fraction, BeforeValidator(_fraction), PlainSerializer(str, return_type=str, when_used="json"), Field(ge=0)
]
"""An exact length in seconds; "1323/100" in JSON."""
Rate = Annotated[
    Fraction, BeforeValidator(_fraction), PlainSerializer(str, return_type=str, when_used="json"), Field(gt=0, le=240)
]
"""Frames per second, exact; "30000/1001" in JSON."""


class Record(BaseModel):
    """A frozen thing that is written to disk; unknown fields are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, populate_by_name=True, serialize_by_alias=True
    )

    def to_json(self) -> str:
        """One line of JSON."""
        return self.model_dump_json()


ONE_OF = {"frames": "frame", "cuts": "cut", "faces": "face", "hands": "hand", "bits": "bit", "refuse it": "refuses it"}
"""Units that are counted, as one of them is called."""


class Finding(Record):
    """One check's answer. ``box`` in px of the still or frame; ``start`` and ``end`` in seconds of a clip."""

    check: str
    verdict: Verdict
    measured: float | None = None
    unit: str = ""
    limit: float | None = None
    box: Box | None = None
    why: str
    fix: str = ""

    @property
    def amount(self) -> str:
        """What was measured and the limit it was held against, in words; empty where nothing was."""
        if self.measured is None:
            return ""
        unit = ONE_OF.get(self.unit, self.unit) if self.measured == 1 else self.unit
        limit = "" if self.limit is None else f" (limit {self.limit:.4g})"
        return f"{self.measured:.4g} {unit}".strip() + limit


class ClipFinding(Finding):
    """A finding about a clip, from ``start`` to ``end`` seconds; None means the whole clip."""

    start: float | None = None
    end: float | None = None

    @classmethod
    def unseen(cls, check: str, why: str) -> Self:
        """What a check says that could not see: never a pass."""
        return cls(check=check, verdict="unseen", why=why)


class Gate(Record):
    """Whether a family of engines may have this still, and why.

    ``findings`` are about what this family alone needs; they do not count towards the five signs.
    """

    verdict: Verdict
    why: str
    findings: tuple[Finding, ...] = ()


class Sign(Record):
    """One of the five signs with its findings."""

    sign: SignName
    verdict: Verdict
    findings: tuple[Finding, ...]


class FileFindings(Record):
    """The findings about the file itself: resolution, aspect, softness."""

    verdict: Verdict
    findings: tuple[Finding, ...]


class StillInfo(Record):
    """Which still a record speaks of."""

    name: str
    sha256: str
    width: int
    height: int


class Judgement(Record):
    """One answer of a judge; ``box`` in px of the still."""

    check: str
    seen: Literal["fault", "clean", "unsure"]
    box: Box
    evidence: str


class JudgeRecord(Record):
    """What a vision-language model was asked and said; ``trusted`` False: its answers changed nothing."""

    model: str
    prompt_sha256: str
    decoys: int
    decoys_fired: int
    trusted: bool
    note: str = ""
    answers: tuple[Judgement, ...] = ()


class Report(Record):
    """Is this still ready to be animated?

    ``ready`` means that no finding of a sign or of the file fails; whether an animator or a generator can take it
    says its gate.
    """

    schema_: Literal["stillwake/report@1"] = Field("stillwake/report@1", alias="schema")
    still: StillInfo
    style: Style
    ready: bool
    gates: dict[Family, Gate]
    signs: tuple[Sign, Sign, Sign, Sign, Sign]
    file: FileFindings
    judge: JudgeRecord | None = None


FAR = 100_000
"""px; no coordinate of a record that a person may have edited lies further out."""
_Px = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-FAR, le=FAR)]
_Turn = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-180, le=180)]
_Share = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1)]
_Radius = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, le=FAR)]
_Point = tuple[_Px, _Px]
_Contour = Annotated[tuple[_Point, ...], Field(min_length=3, max_length=512)]
Part = Literal["face", "left eye", "right eye", "eyes", "mouth"]


class EyeRecord(Record):
    """An `Eye` as a file has it; ``iris`` (x, y, radius), or None where it is not seen."""

    upper_lid: _Contour
    lower_lid: _Contour
    brow: _Contour
    iris: tuple[_Px, _Px, _Radius] | None = None


class MouthRecord(Record):
    """A `Mouth` as a file has it."""

    outer_upper: _Contour
    outer_lower: _Contour
    inner_upper: _Contour
    inner_lower: _Contour


class FaceRecord(Record):
    """A `Face` as a file has it, to be edited and given back; what is left out is read from the picture.

    ``still`` is the picture it was made for; without it the coordinates count for any picture they fit.
    """

    schema_: Literal["stillwake/face@1"] = Field("stillwake/face@1", alias="schema")
    still: StillInfo | None = None
    kind: Literal["photo", "drawn"] | None = None
    box: tuple[_Px, _Px, _Px, _Px]
    yaw: _Turn | None = None
    pitch: _Turn | None = None
    roll: _Turn | None = None
    confidence: dict[Part, _Share] = Field(default_factory=dict)
    eyes: tuple[EyeRecord | None, EyeRecord | None] = (None, None)
    mouth: MouthRecord | None = None
    jaw: _Contour | None = None
    nose_tip: _Point | None = None
    chin: _Point | None = None
    mesh: Annotated[tuple[tuple[_Px, _Px, _Px], ...], Field(min_length=478, max_length=478)] | None = None


Move = Literal[
    "push-in", "pull-out", "zoom-in", "zoom-out", "pan-left", "pan-right", "tilt-up", "tilt-down", "truck-left",
    "truck-right", "pedestal-up", "pedestal-down", "orbit-left", "orbit-right", "dolly-zoom", "drift", "hand-held",
]  # fmt: skip
_Amount = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-0.5, le=0.5)]


class CameraMove(Record):
    """One move of a camera; ``strength`` 1 is usual."""

    kind: Move
    strength: float = Field(1.0, gt=0, le=3)


class CameraKey(Record):
    """Where a camera is at a moment, ``at`` 0 (first frame) .. 1 (last frame).

    ``push`` towards the subject, as a share of its distance; ``truck`` and ``pedestal`` sideways and up, as shares of
    the picture's width and height by which the subject shifts; ``pan`` and ``tilt`` likewise, but everything shifts
    alike; ``zoom`` 1 shows the still's own size; ``roll`` degrees, clockwise.
    """

    at: float = Field(strict=True, allow_inf_nan=False, ge=0, le=1)
    push: _Amount = 0.0
    pan: _Amount = 0.0
    tilt: _Amount = 0.0
    truck: _Amount = 0.0
    pedestal: _Amount = 0.0
    zoom: float = Field(1.0, strict=True, allow_inf_nan=False, ge=0.5, le=4)
    roll: float = Field(0.0, strict=True, allow_inf_nan=False, ge=-15, le=15)


class CameraRecord(Record):
    """How the camera moves: by named ``moves`` at once, or by ``keys`` in order of time."""

    schema_: Literal["stillwake/camera@1"] = Field("stillwake/camera@1", alias="schema")
    moves: tuple[CameraMove, ...] = ()
    keys: Annotated[tuple[CameraKey, ...], Field(max_length=100)] = ()


Motion = Literal["blink", "gaze", "breathe", "sway", "hair"]
MOTIONS: tuple[Motion, ...] = ("blink", "gaze", "breathe", "sway", "hair")
"""What of a person moves by itself in a living still: lids, irises, chest, head, hair."""
Ambience = Literal["snow", "rain", "petals", "dust", "embers"]
"""What may drift through a picture."""
HeldPart = Literal["face", "eyes", "mouth", "hair", "hands", "body", "background"]
"""What can be told to stand still."""
Expression = Literal["neutral", "happy", "serious", "surprise"]
"""What a hosted animator may be asked to look like."""
USUAL_RATE = Fraction(25)
"""Frames per second of a clip for which nobody asked for a rate."""


class Brief(Record):
    """What the person wants: ``say`` or ``sound`` for a talking clip, neither for a living loop of ``seconds``.

    ``face_file`` is a `FaceRecord` that puts a face right; it is the face that speaks unless ``face`` says otherwise.
    ``smooth`` moves a drawn mouth on every frame instead of holding its shapes on twos. ``repeat`` writes a loop so
    many times over; ``max_mb`` is the largest file that will do, in 1,000,000 bytes. ``aspect`` gives the clip another
    shape than the still's, by cutting or extending it.

    ``prompt`` says in words what should happen. Which kind of engine suits also hangs on whether the still is
    only a ``reference`` instead of the deliverable, whether the face must not change (``keep_face``), and what one
    would ``prefer``: a predictable clip, or range. ``takes`` of a generator are made, one seed each; ``budget`` USD is
    the most that may be spent; ``allow_paid`` lets an engine that costs money be chosen without being named.

    Of a generator one may also choose the ``model``: its name there, an id on the hub, or a folder of weights; a
    ``negative`` prompt, of what should not be seen; the picture it should end on (``end_frame``); how firmly it should
    ``hold`` on the picture, 0..1, and on the prompt (``guidance``); its ``steps``. A hosted animator may be asked for
    an ``expression``. ``fps`` None is 25, or for a generated clip the rate its engine makes.
    """

    say: str | None = None
    voice: str | None = None
    sound: Path | None = None
    transcript: str | None = None
    language: str | None = None
    face: int | None = Field(None, ge=1, description="which face, 1 being the largest")
    face_file: Path | None = None
    fps: Rate | None = None
    size: Size | None = None
    aspect: Aspect | None = None
    engine: str | None = None
    model: str | None = Field(None, min_length=1, max_length=500)
    smooth: bool = False
    seconds: Seconds | None = None
    repeat: int = Field(1, ge=1, le=100)
    max_mb: float | None = Field(None, ge=0.001, le=1_000_000, allow_inf_nan=False)
    motion: tuple[Motion, ...] | None = None
    strength: float = Field(1.0, ge=0, le=1, allow_inf_nan=False)
    camera: str | None = Field(None, max_length=1000)
    brush: Path | None = None
    depth: Path | None = None
    depth_model: Path | None = None
    ambient: Ambience | None = None
    still: tuple[HeldPart, ...] = ()
    still_mask: Path | None = None
    loop: bool = False
    prompt: str | None = Field(None, max_length=5000)
    negative: str | None = Field(None, max_length=5000)
    end_frame: Path | None = None
    hold: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)
    guidance: float | None = Field(None, ge=0, le=50, allow_inf_nan=False)
    steps: int | None = Field(None, ge=1, le=500)
    expression: Expression | None = None
    takes: int = Field(1, ge=1, le=50)
    budget: float | None = Field(None, ge=0, le=1_000_000, allow_inf_nan=False)
    allow_paid: bool = False
    keep_face: bool = False
    reference: bool = False
    prefer: Literal["predictable", "range"] | None = None
    seed: int = Field(0, ge=0, lt=2**63)

    @property
    def rate(self) -> Fraction:
        """Frames per second, where no engine has one of its own."""
        return USUAL_RATE if self.fps is None else self.fps


class Shot(Record):
    """One engine's piece of work.

    ``motion`` for an animator: "talk", "live" (a loop) or "still"; ``seconds`` is exact; ``smooth`` as in `Brief`.
    ``crop`` is what it shows of the still, in whole px of it, beyond its edges too; all of it if None.
    ``loop``: its end flows into its beginning; such a shot of ``seconds`` is written ``repeat`` times over. Then what
    moves: ``motions`` of the person, ``camera``, the scene's strokes if ``brush``, ``ambient``; how far, ``strength``
    0..1; and what of the person is ``held``.

    A generator's shot has its ``prompt``, is begun from the still or from the last good frame of the shot ``before``
    (``anchor``), and is made ``made`` seconds long, a length its engine has, of which ``seconds`` are used. ``hold``
    is how firmly it keeps to the picture, 0..1, None being the engine's own, and ``guidance`` to the prompt, in the
    engine's own numbers; ``negative`` what should not be seen; ``ends`` on the scene's end frame; made in ``steps``.
    ``takes`` of it are made, with ``seed`` and those that follow it. ``price`` USD for all of them; ``wait`` how many
    seconds it takes, None where nobody knows.

    ``model`` is the engine's, "" being its usual one. A hosted animator speaks itself where it has a ``voice``: then
    it is given what to ``say`` instead of a sound, and looks as ``expression`` says.
    """

    family: Family
    engine: str
    model: str = ""
    motion: str
    prompt: str = ""
    negative: str = ""
    ends: bool = False
    guidance: float | None = Field(None, ge=0, le=50)
    steps: int | None = Field(None, ge=1, le=500)
    voice: str = ""
    say: str = ""
    expression: Expression | None = None
    anchor: Literal["still", "before"] = "still"
    made: Seconds | None = None
    hold: float | None = Field(None, ge=0, le=1)
    takes: int = Field(1, ge=1)
    seconds: Seconds
    fps: Rate
    size: Size
    crop: Box | None = None
    seed: int
    face: int = 1
    smooth: bool = False
    loop: bool = False
    repeat: int = Field(1, ge=1)
    motions: tuple[Motion, ...] = MOTIONS
    camera: CameraRecord | None = None
    brush: bool = False
    ambient: Ambience | None = None
    strength: float = Field(1.0, ge=0, le=1)
    held: tuple[HeldPart, ...] = ()
    price: float = Field(0.0, ge=0, allow_inf_nan=False)
    wait: float | None = Field(None, ge=0, allow_inf_nan=False)
    reasons: tuple[str, ...] = ()

    @property
    def frame_count(self) -> int:
        """Whole frames that cover the seconds: the last one may end after the sound, never before."""
        return max(1, -int(-self.seconds * self.fps // 1))


class Obstacle(Record):
    """Why a plan may not be carried out as it is: ``what``, ``why`` and ``fix`` of the error that it would be.

    ``kind`` "not ready" is the still's, lifted by ``--force`` where only signs stand against it; "budget" is money's;
    "not here" an engine that is not installed; "no words" somebody is to speak, and nobody said what.
    """

    kind: Literal["not ready", "budget", "not here", "no words"]
    what: str
    why: str
    fix: str


class Plan(Record):
    """Which engines, why, and what it costs: shots in the order in which they are seen.

    ``still`` is the picture it is for and ``brief`` what was asked; ``rule`` the line of the router's table that
    chose; ``price`` USD; ``wait`` seconds; ``obstacles`` what stands against it.
    """

    schema_: Literal["stillwake/plan@1"] = Field("stillwake/plan@1", alias="schema")
    still: StillInfo | None = None
    brief: Brief | None = None
    rule: str = ""
    shots: Annotated[tuple[Shot, ...], Field(min_length=1, max_length=1000)]
    price: float = Field(0.0, ge=0, allow_inf_nan=False)
    wait: float | None = Field(None, ge=0, allow_inf_nan=False)
    warnings: tuple[str, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()

    @property
    def families(self) -> tuple[Family, ...]:
        """The kinds of engine it needs, each once, the animator first."""
        return tuple(sorted({shot.family for shot in self.shots}))


class ClipInfo(Record):
    """A finished clip on disk, as a record names it."""

    name: str
    sha256: str
    width: int
    height: int
    fps: Rate
    frame_count: int
    seconds: float
    sound: str | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """A finished clip: where it lies and what it is. Frames are streamed from the file, never held."""

    path: Path
    info: ClipInfo


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """One measure along a clip, to be drawn: ``values`` (N,) float32 in ``unit`` at ``times`` (N,) float32 seconds.

    ``name`` that of the check it belongs to; nan where nothing was seen; ``limit`` above which (or, for a measure with
    a sign, beyond which to either side) it warns, or None.
    """

    name: str
    unit: str
    times: Floats
    values: Floats
    limit: float | None = None

    def __post_init__(self) -> None:
        _freeze(self)


class Inspection(Record):
    """Is this clip clean?"""

    schema_: Literal["stillwake/inspection@1"] = Field("stillwake/inspection@1", alias="schema")
    clip: ClipInfo
    passed: bool
    findings: tuple[ClipFinding, ...]


class Take(Record):
    """A take of a plan's ``shot``, counted from 1: its file's name, its seed, how firmly it held to the picture.

    ``changed`` is the lever that was turned against a fault of the take before, in words; ``rank`` 1 is the best and
    ``why`` what speaks against it; ``chosen`` it is in the finished clip; ``reused`` it had been made before;
    ``made_with`` what its engine tells of how it was made: versions, device, job, cost.
    """

    shot: int
    name: str
    seed: int
    hold: float | None = None
    seconds: Seconds
    price: float = 0.0
    changed: str = ""
    passed: bool
    rank: int = 0
    why: str = ""
    chosen: bool = False
    reused: bool = False
    made_with: dict[str, JsonValue] = {}


class RunRecord(Record):
    """Everything about one run, written beside the clip as OUT.json; ``face`` is the face that a person gave.

    ``takes`` are all that were made where a generator made any, the first of each shot being the best; ``made_with``
    is what a hosted animator tells of how it was made: job, cost.
    """

    schema_: Literal["stillwake/record@1"] = Field("stillwake/record@1", alias="schema")
    brief: Brief
    face: FaceRecord | None = None
    report: Report
    plan: Plan
    takes: tuple[Take, ...] = ()
    made_with: dict[str, JsonValue] = {}
    inspection: Inspection
    versions: dict[str, str]
    seconds: dict[str, float]
