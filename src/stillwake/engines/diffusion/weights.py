"""Weights on this machine: where they lie, whether they are whole, and fetching them once somebody agreed.

A model is a folder as diffusers saves it, or an id on the hub, of which only the copy in the hub's own cache is ever
read. Weights are safetensors and nothing else: a pickle runs whatever it likes when it is opened. Looking imports
neither torch nor diffusers; the header of a safetensors file says how large each tensor is, so a file that broke off
is found before anything is loaded.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
import struct
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

from stillwake.engines.diffusion.table import ROWS, Row, at_home, rows_for
from stillwake.errors import (
    ConsentError,
    EngineUnavailableError,
    OutputError,
    StillwakeError,
    UnreachableError,
    UsageError,
)  # fmt: skip
from stillwake.types import Progress, no_progress

__all__ = ["Component", "Offer", "Weights", "chosen", "download", "mending", "missing", "offer", "opened", "wanted"]

_PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
_BYTES = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "F8_E4M3": 1,
    "F8_E5M2": 1, "F8_E8M0": 1, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip
_NO_WEIGHTS = re.compile(r"Scheduler|Tokenizer|Processor|Extractor|Guidance|Guider")
_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_LARGEST_HEADER = 100_000_000
"""bytes; what safetensors itself accepts."""


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a pipeline that has weights: its ``files``, and how many ``parameters`` of which types they hold."""

    name: str
    folder: Path
    files: tuple[Path, ...]
    parameters: int
    stored: frozenset[str]


@dataclass(frozen=True, slots=True)
class Weights:
    """A pipeline's folder, looked through: ``components``, and the ``variant`` of file names ("fp16") to load."""

    folder: Path
    components: tuple[Component, ...]
    variant: str | None
    parts: Mapping[str, tuple[Path, str]]

    def parameters(self, *names: str) -> int:
        """How many numbers those components hold; all of them without a name."""
        return sum(part.parameters for part in self.components if not names or part.name in names)

    def bytes_in(self, dtype: str, whole: Collection[str] = ()) -> dict[str, int]:
        """Bytes of each component in that type; those named in ``whole`` stay in float32."""
        each = 4 if dtype == "float32" else 2
        return {part.name: part.parameters * (4 if part.name in whole else each) for part in self.components}


# ------------------------------------------------------------------------------------------------- where they lie


def chosen(engine: str, model: str) -> str:
    """The folder or hub id that is meant: as named, else ``STILLWAKE_<NAME>_MODEL``, else the engine's usual one."""
    if model:
        return model
    named = os.environ.get(f"STILLWAKE_{engine.upper()}_MODEL", "").strip()
    rows = rows_for(engine)
    return named or ("" if engine == "diffusion" or not rows else rows[0].hub)


def cache() -> Path:
    """The hub's cache of this user, as huggingface_hub finds it."""
    for name, inner in (("HF_HUB_CACHE", ""), ("HUGGINGFACE_HUB_CACHE", ""), ("HF_HOME", "hub")):
        if value := os.environ.get(name):
            return Path(os.path.expandvars(value)).expanduser() / inner
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expandvars(root)).expanduser() / "huggingface" / "hub"


def is_id(model: str) -> bool:
    """Whether it reads as an id on the hub, "owner/name"."""
    return _ID.fullmatch(model) is not None


def at(model: str) -> Path | None:
    """The folder of a model on this machine, itself or the copy of a hub id in the cache; None where there is none."""
    if not model:
        return None
    folder = Path(model).expanduser()
    try:
        if folder.is_dir():
            return folder
    except (OSError, ValueError):
        return None
    if not is_id(model):
        return None
    kept = cache() / f"models--{model.replace('/', '--')}"
    try:
        revision = (kept / "refs" / "main").read_text(encoding="utf-8").strip()
        found = [kept / "snapshots" / revision] if re.fullmatch(r"[\w.-]+", revision) else []
    except (OSError, ValueError):
        found = []
    return next((folder for folder in found if folder.is_dir()), None)


def installed() -> bool:
    """Whether the software is here; looks only."""
    from importlib.util import find_spec

    return all(find_spec(name) for name in ("torch", "diffusers", "transformers", "accelerate", "safetensors"))


def missing(engine: str, model: str) -> str | None:
    """The line that installs what is missing for that engine and model; None where nothing is.

    Looks at folders only. What is there but wrong is said when it is opened.
    """
    if not installed():
        return "pip install 'stillwake[diffusion]'"
    meant = chosen(engine, model)
    if not meant:
        return "stillwake animate STILL --engine diffusion --model FOLDER -o OUT"
    folder = at(meant)
    line = f"stillwake engines --download {engine}" + (f" --model {meant}" if meant != chosen(engine, "") else "")
    if folder is None:
        return line if is_id(meant) else None
    if Path(meant).expanduser().is_dir():
        needed = _elsewhere(engine, folder)
    else:
        needed = [*_elsewhere(engine, folder), *(folder / name for name in _unfetched(engine, folder))]
    return line if any(path is None or not path.exists() for path in needed) else None


def _unfetched(engine: str, folder: Path) -> list[str]:
    """The names of what a copy in the cache lacks: its index, or a component that has nothing."""
    index = at_home(folder, "model_index.json")
    if not index:
        return ["model_index.json"]
    there = _from_elsewhere(engine, str(index.get("_class_name", "")))
    return [name for name in _parts(index) if name not in there and not (folder / name).is_dir()]


def _from_elsewhere(engine: str, index: str) -> Mapping[str, tuple[str, str, str]]:
    """The parts that are not in the folder itself, where its index is not of the row's own class."""
    rows = [row for row in rows_for(engine) if row.parts and index in row.classes and index != row.pipeline]
    return rows[0].parts if rows else {}


def _elsewhere(engine: str, folder: Path) -> list[Path | None]:
    parts = _from_elsewhere(engine, str(at_home(folder, "model_index.json").get("_class_name", "")))
    found: list[Path | None] = []
    for hub, inner, _ in parts.values():
        home = at(hub)
        found.append(None if home is None else home / inner)
    return found


def _parts(index: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Component -> (library, class) of an index, those that are there."""
    return {
        name: (str(value[0]), str(value[1]))
        for name, value in index.items()
        if isinstance(value, list) and len(value) == 2 and value[0] is not None and re.fullmatch(r"\w+", name)
    }


# ------------------------------------------------------------------------------------------------- are they whole


def opened(row: Row, folder: Path, *, half: bool) -> Weights:
    """A folder of weights, looked through and found whole; ``half`` where they will be computed in 16 bits.

    Raises
    ------
    stillwake.errors.EngineUnavailableError
        Something is missing, broken off, or a pickle.
    """
    index = at_home(folder, "model_index.json")
    parts = {}
    if row.parts and index.get("_class_name") != row.pipeline:
        for name, (hub, inner, kind) in row.parts.items():
            home = at(hub)
            if home is None or not (home / inner).is_dir():
                raise _bad(row, folder, f"its {name}, {hub}, is not on this machine", row.engine)
            parts[name] = (home / inner, kind)
    heavy: dict[str, Path] = {name: path for name, (path, kind) in parts.items() if not _NO_WEIGHTS.search(kind)}
    for name, (library, kind) in _parts(index).items():
        if name in parts:
            continue
        if not re.fullmatch(r"\w+", library) or (folder / name / f"{library}.py").exists():
            raise _bad(row, folder, f"its {name} is code of its own, which is never run", "")
        if _NO_WEIGHTS.search(kind):
            continue
        heavy[name] = folder / name
    if not heavy:
        raise _bad(row, folder, "its model_index.json names no part that has weights", row.engine)
    variant = _variant(heavy.values(), half)
    components = tuple(_component(row, folder, name, path, variant) for name, path in heavy.items())
    return Weights(folder, components, variant, parts)


def _bad(row: Row, folder: Path, why: str, engine: str) -> EngineUnavailableError:
    fix = mending(engine, folder) if engine else "choose another --model"
    return EngineUnavailableError(f"Cannot load {row.title} from {folder.name}", why, fix)


def mending(engine: str, folder: Path) -> str:
    """What to do about a folder that is not whole: fetch it again where it came from the hub."""
    kept = next((part for part in folder.parts if part.startswith("models--")), "")
    if not kept or cache() not in folder.parents:
        return "copy it here again, or choose another --model"
    model = kept.removeprefix("models--").replace("--", "/", 1)
    own = "" if model == chosen(engine, "") else f" --model {model}"
    return f"fetch it again: stillwake engines --download {engine}{own}"


def _variant(folders: Iterable[Path], half: bool) -> str | None:
    """The variant in the file names that every part has: 16 bits where they will do or where nothing else is there."""
    folders = list(folders)
    try:
        files = [[file.name for file in folder.iterdir()] for folder in folders if folder.is_dir()]
    except OSError:
        return None
    return _shared(dict(enumerate(files)), half)


def _shared(files: Mapping[Any, list[str]], half: bool) -> str | None:
    """The variant that every folder has, given their files' names; None for the plain ones."""
    plain = all(any(_of_variant(name, None) for name in names) for names in files.values())
    for variant in ("fp16", "bf16"):
        if files and all(any(_of_variant(name, variant) for name in names) for names in files.values()):
            return variant if half or not plain else None
    return None


def _of_variant(name: str, variant: str | None) -> bool:
    """Whether a file holds weights of that variant; of None, those without one in their name."""
    if not name.endswith(".safetensors"):
        return False
    if variant is None:
        return re.search(r"\.(fp16|bf16|fp32|ema|non_ema)[.-]", name) is None
    return re.search(rf"\.{variant}[.-]", name) is not None


def _component(row: Row, folder: Path, name: str, path: Path, variant: str | None) -> Component:
    engine = row.engine
    if not path.is_dir():
        raise _bad(row, folder, f"its part {name} is missing", engine)
    names = sorted(file.name for file in path.iterdir() if file.suffix in (".safetensors", *_PICKLES))
    files = [path / file for file in names if _of_variant(file, variant)]
    if not files:
        pickles = [file for file in names if file.endswith(_PICKLES)]
        if pickles:
            raise _bad(
                row, folder, f"the weights in {name} are a pickle ({pickles[0]}), which may run anything when opened",
                "",
            ) from None  # fmt: skip
        raise _bad(row, folder, f"its part {name} has no weights", engine)
    if shards := _shards(path, variant):
        lost = sorted(shard for shard in shards if not (path / shard).is_file())
        if lost:
            raise _bad(row, folder, f"{len(lost)} of {len(shards)} files of its part {name} are missing", engine)
        files = [path / shard for shard in sorted(shards)]
    parameters, stored = 0, set[str]()
    for file in files:
        try:
            numbers, types = _header(file)
        except (OSError, ValueError) as error:
            raise _bad(row, folder, f"{name}/{file.name} is damaged ({error})", engine) from error
        parameters += numbers
        stored |= types
    return Component(name, path, tuple(files), parameters, frozenset(stored))


def _shards(path: Path, variant: str | None) -> set[str]:
    """The files that an index of shards names; empty where there is no such index."""
    for index in sorted(path.glob("*.safetensors.index*.json")):
        if (variant is None) != (re.search(r"\.(fp16|bf16)\.json$", index.name) is None):
            continue
        files = at_home(path, index.name, 50_000_000).get("weight_map")
        if isinstance(files, dict):
            return {PurePosixPath(str(file)).name for file in files.values()}
    return set()


def _header(file: Path) -> tuple[int, set[str]]:
    """How many numbers a safetensors file holds, and in which types, by its header alone.

    Raises
    ------
    ValueError
        It is none, or it ends before its tensors do.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else -1
        if not 2 <= length <= min(_LARGEST_HEADER, size - 8):
            raise ValueError(f"it is {size} bytes long and has no header")
        try:
            header = json.loads(stream.read(length))
        except (ValueError, RecursionError):
            raise ValueError("its header cannot be read") from None
    numbers, end, types = 0, 0, set[str]()
    try:
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            count = math.prod(tensor["shape"])
            begin, stop = tensor["data_offsets"]
            if stop - begin != count * _BYTES.get(tensor["dtype"], 0) and tensor["dtype"] in _BYTES:
                raise ValueError("its header contradicts itself")
            numbers, end = numbers + count, max(end, stop)
            types.add(tensor["dtype"])
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("its header cannot be read") from error
    if 8 + length + end > size:
        raise ValueError(f"it ends after {size} of {8 + length + end} bytes")
    return numbers, types


# ------------------------------------------------------------------------------------------------- fetching them


@dataclass(frozen=True, slots=True)
class Offer:
    """What would be fetched: the hub ``ids``, their ``licence`` with the page that shows it, and the ``bytes``.

    ``sure`` where the hub said how many bytes; ``known`` where the table has the licence, otherwise its page says it.
    """

    ids: tuple[str, ...]
    licence: str
    link: str
    bytes: int
    sure: bool
    note: str = ""
    known: bool = True

    def __str__(self) -> str:
        about = f"{'' if self.sure else 'about '}{self.bytes / 1e9:.3g} GB"
        size = about if self.bytes else "of unknown size"
        note = f"; {self.note}" if self.note else ""
        return f"{' and '.join(self.ids)}: {size}, licence {self.licence} ({self.link}){note}"


def offer(engine: str, model: str = "") -> Offer:
    """What ``download`` would fetch, as the table knows it; nothing is asked of the hub.

    Raises
    ------
    stillwake.errors.UsageError
        The engine has no weights, or the model is a folder, or no id on the hub.
    """
    if not rows_for(engine):
        names = sorted({row.engine for row in ROWS})
        raise UsageError(
            f"Cannot download {engine}", "it has no weights of this kind", f"choose one of {', '.join(names)}"
        )
    meant = chosen(engine, model)
    if not is_id(meant):
        raise UsageError(
            f"Cannot download {meant or 'a model for any pipeline'}",
            "it is no id on the hub" if meant else "no model is named",
            "name one as --model OWNER/NAME",
        )
    row = next((row for row in rows_for(engine) if row.hub.lower() == meant.lower()), None)
    if row is None:
        return Offer((meant,), "the one on its page", f"https://huggingface.co/{meant}", 0, False, known=False)
    ids = tuple(dict.fromkeys([row.hub, *(hub for hub, _, _ in row.parts.values())]))
    size = int(row.gigabytes * 1e9)
    if not row.licence:
        return Offer(ids, "the one on its page", row.link, size, False, row.note, known=False)
    return Offer(ids, row.licence, row.link, size, False, row.note)


def wanted(names: Iterable[str], *, half: bool = True, without: Collection[str] = ()) -> tuple[str, ...]:
    """Of the files of a repository, those that a pipeline is loaded from.

    Safetensors, JSON, text and tokenizers' models, in the folders of its components and beside its index; no pickle,
    no second copy. Where every component lies there in 16 bits too, those alone if ``half``. ``without`` names
    components that come from elsewhere.
    """
    paths = [PurePosixPath(name) for name in sorted(names) if not name.startswith(".")]
    diffused = any(path.as_posix() == "model_index.json" for path in paths)
    paths = [path for path in paths if len(path.parts) <= 2 and path.parts[0] not in without]
    heavy = [path for path in paths if path.suffix == ".safetensors" and not (diffused and len(path.parts) == 1)]
    variant = _shared(
        {path.parent: [other.name for other in heavy if other.parent == path.parent] for path in heavy}, half
    )
    kept = []
    for path in paths:
        light = path.suffix in (".json", ".txt", ".model", ".jinja")
        if light or (path in heavy and _of_variant(path.name, variant)):
            kept.append(path.as_posix())
    return tuple(kept)


def download(
    engine: str, model: str = "", accept_licence: str = "", on_progress: Progress = no_progress, *, half: bool = True
) -> Path:
    """Weights from the hub into its cache on this machine; the folder in which they lie.

    ``accept_licence`` is the licence by its name, as somebody agreed to it. What is there already is not fetched
    again, and what broke off goes on.

    Raises
    ------
    stillwake.errors.ConsentError
        The licence was not accepted by name; says which, how large it is and where it comes from. Or the hub wants it
        accepted there first.
    stillwake.errors.UsageError
        The model is no id on the hub, or it is not there.
    stillwake.errors.OutputError
        The disk is full.
    stillwake.errors.UnreachableError
        The hub does not answer.
    """
    planned = offer(engine, model)
    what = f"Cannot download {planned.ids[0]}"
    if planned.known and not _agreed(accept_licence, planned.licence):
        raise _ask(what, planned)
    try:
        hub: Any = import_module("huggingface_hub")
        errors: Any = import_module("huggingface_hub.errors")
    except ImportError as error:
        raise EngineUnavailableError(
            what, "huggingface_hub is not installed", "run: pip install 'stillwake[diffusion]'"
        ) from error
    if hub.constants.HF_HUB_OFFLINE:
        raise UnreachableError(what, "HF_HUB_OFFLINE is set", "unset it and run it again")
    told = _Told(on_progress)
    try:
        plans = _plans(engine, planned, half)
        total = sum(plan.bytes for plan in plans)
        planned = replace(
            planned, bytes=total, sure=True, licence=planned.licence if planned.known else plans[0].licence
        )
        if not _agreed(accept_licence, planned.licence):
            raise _ask(what, planned)
        if not any(name.endswith(".safetensors") for name in plans[0].files):
            raise EngineUnavailableError(
                what, "it has no safetensors, only what may run anything when opened", "choose another --model"
            )
        room = shutil.disk_usage(_nearest(cache())).free
        if total > room + sum(_there(plan.hub) for plan in plans):
            raise OutputError(
                what,
                f"it is {total / 1e9:.3g} GB, and {room / 1e9:.3g} GB are free",
                "make room, or name another disk's folder in HF_HOME",
            )
        told.total = total
        told.tell(0)
        folders = []
        for plan in plans:
            folders.append(
                hub.snapshot_download(
                    plan.hub, cache_dir=cache(), allow_patterns=list(plan.files), tqdm_class=told.bars()
                )
            )
            told.before += plan.bytes
        told.tell(0)
    except StillwakeError:
        raise
    except errors.GatedRepoError as error:
        raise ConsentError(
            what, f"the hub wants its licence accepted there first ({planned.link})",
            "accept it on that page, sign in with: hf auth login, and run it again",
        ) from error  # fmt: skip
    except errors.RepositoryNotFoundError as error:
        raise UsageError(
            what, "there is no such model on the hub, or it is private", "look up its id on its page"
        ) from error
    except Exception as error:
        if error is told.raised:
            raise
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(
                what,
                "the disk is full",
                "make room, or name another disk's folder in HF_HOME; it goes on where it stopped",
            ) from error
        raise UnreachableError(
            what, f"the hub did not give it ({type(error).__name__})", "try again; it goes on where it stopped"
        ) from error
    return Path(folders[0])


@dataclass(frozen=True, slots=True)
class _Plan:
    """Of one repository: what is fetched, and the licence on its page."""

    hub: str
    files: tuple[str, ...]
    bytes: int
    licence: str


def _plans(engine: str, planned: Offer, half: bool) -> list[_Plan]:
    api: Any = import_module("huggingface_hub").HfApi()
    row = next((row for row in rows_for(engine) if row.hub.lower() == planned.ids[0].lower()), None)
    parts = row.parts if row is not None else {}
    plans = []
    for hub in planned.ids:
        info = api.model_info(hub, files_metadata=True)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        files = wanted(sizes, half=half, without=parts if hub == planned.ids[0] else ())
        if inner := {path for other, path, _ in parts.values() if other == hub and path}:
            files = tuple(name for name in files if name.partition("/")[0] in inner)
        card = getattr(info, "card_data", None)
        licence = getattr(card, "license_name", None) or getattr(card, "license", None) or "none stated"
        plans.append(_Plan(hub, files, sum(sizes[name] for name in files), str(licence)))
    return plans


def _agreed(said: str, licence: str) -> bool:
    plain = [re.sub(r"[^a-z0-9+]", "", text.lower()) for text in (said, licence)]
    return plain[0] == plain[1] != ""


def _ask(what: str, planned: Offer) -> ConsentError:
    return ConsentError(
        what,
        f"nobody accepted its licence yet ({planned})",
        f'read it, and if you agree say so: --accept-licence "{planned.licence}"',
    )


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next((path for path in (folder, *folder.parents) if path.exists()), Path.cwd())


def _there(hub: str) -> int:
    """Bytes of a model that are in the cache already, whole or not."""
    blobs = cache() / f"models--{hub.replace('/', '--')}" / "blobs"
    return sum(file.stat().st_size for file in blobs.glob("*")) if blobs.is_dir() else 0


class _Told:
    """What is told of a download: bytes ``before`` this repository, and those of the furthest of its own bars."""

    def __init__(self, on_progress: Progress) -> None:
        self.on_progress, self.before, self.total = on_progress, 0, 0
        self.raised: BaseException | None = None

    def tell(self, seen: int) -> None:
        """How far it is, in MB."""
        if self.raised is not None:  # a file fetched beside the one that was stopped
            raise self.raised
        try:
            whole = max(1, self.total // 1_000_000)
            self.on_progress("download", min(whole, (self.before + seen) // 1_000_000), whole)
        except BaseException as error:
            self.raised = error
            raise

    def bars(self) -> Any:
        """A class of progress bars that draws nothing and tells of bytes.

        The hub has two of them, of what came and of what was written, and they count the same bytes.
        """
        tqdm: Any = import_module("tqdm.auto").tqdm
        told = self
        furthest = 0

        class Bar(tqdm):  # type: ignore[misc]
            def __init__(self, *args: Any, **options: Any) -> None:
                self.counts, self.seen = options.get("unit") == "B", 0
                super().__init__(*args, **{**options, "disable": True})

            def update(self, n: float | None = 1) -> bool | None:
                nonlocal furthest
                if self.counts and n:
                    self.seen += int(n)
                    if self.seen > furthest:
                        furthest = self.seen
                        told.tell(furthest)
                return None

        return Bar
