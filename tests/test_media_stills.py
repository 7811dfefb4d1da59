from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageCms

from stillwake.errors import StillError
from stillwake.media import open_still
from stillwake.types import Pixels, Still

# Four quarters that tell every orientation apart: (top left, top right, bottom left, bottom right).
RED, GREEN, BLUE, GREY = (230, 30, 20), (30, 200, 40), (20, 40, 220), (120, 120, 120)


def quarters(width: int = 96, height: int = 80) -> Pixels:
    pixels = np.empty((height, width, 3), np.uint8)
    middle, centre = height // 2, width // 2
    pixels[:middle, :centre], pixels[:middle, centre:] = RED, GREEN
    pixels[middle:, :centre], pixels[middle:, centre:] = BLUE, GREY
    return pixels


def corners(still: Still) -> list[tuple[int, ...]]:
    height, width = still.pixels.shape[:2]
    return [tuple(still.pixels[y, x].tolist()) for y in (8, height - 9) for x in (8, width - 9)]


def near(found: list[tuple[int, ...]], expected: list[tuple[int, ...]], within: int) -> bool:
    return bool(np.abs(np.array(found, int) - np.array(expected, int)).max() <= within)


def put(folder: Path, image: Image.Image, kind: str, name: str = "picture", **options: Any) -> Path:
    path = folder / name
    image.save(path, kind, **options)
    return path


def png(width: int, height: int, depth: int, colour: int, raw: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG written by hand: Pillow writes neither 16 bit colour nor a header without a picture."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    middle = b"".join(chunk(*one) for one in chunks)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle + chunk(b"IDAT", raw) + chunk(b"IEND", b"")


def refused(path: Path) -> StillError:
    with pytest.raises(StillError) as caught:
        open_still(path)
    sentence = str(caught.value)
    assert sentence.startswith(f"Cannot open {path.name}: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return caught.value


# --------------------------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize(
    ("kind", "options", "within"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 95}, 6),
        ("JPEG", {"quality": 95, "subsampling": 0}, 4),
        ("AVIF", {"quality": 95, "subsampling": "4:4:4"}, 4),
    ],
)
def test_every_format_opens_with_its_pixels(tmp_path: Path, kind: str, options: dict[str, Any], within: int) -> None:
    path = put(tmp_path, Image.fromarray(quarters()), kind, **options)
    still = open_still(path)
    assert still.size == (96, 80)
    assert np.abs(still.pixels.astype(int) - quarters())[4:36, 4:44].max() <= within
    assert near(corners(still), [RED, GREEN, BLUE, GREY], within)
    assert still.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (still.name, still.alpha, still.notes) == ("picture", None, ())
    assert not still.pixels.flags.writeable


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    # EXIF 2.32, table 6: what the stored rows and columns are, undone by turning the upright picture the other way.
    stored: dict[int, Callable[[Pixels], Pixels]] = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
        8: lambda p: np.rot90(p, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind in ("JPEG", "AVIF") else {}
    image = Image.fromarray(np.ascontiguousarray(stored[orientation](quarters())))
    still = open_still(put(tmp_path, image, kind, exif=exif, **options))
    assert still.size == (96, 80)
    assert near(corners(still), [RED, GREEN, BLUE, GREY], 8)
    assert bool(still.notes) == (orientation != 1)


def test_damaged_exif_is_a_note(tmp_path: Path) -> None:
    path = put(
        tmp_path, Image.fromarray(quarters()), "PNG", exif=b"Exif\0\0MM\0\x2a\0\0\0\x08\xff\xff" + b"\x01\x12" * 9
    )
    assert open_still(path).size == (96, 80)


# --------------------------------------------------------------------------------------------------------- colours


def test_an_embedded_profile_is_converted(tmp_path: Path) -> None:
    """A profile with red and blue exchanged, made of sRGB's own: the conversion must exchange them."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = profile.index(b"rXYZ", 128), profile.index(b"bXYZ", 128)
    profile[at[0] : at[0] + 4], profile[at[1] : at[1] + 4] = b"bXYZ", b"rXYZ"
    path = put(tmp_path, Image.fromarray(quarters()), "PNG", icc_profile=bytes(profile))
    still = open_still(path)
    assert near(corners(still), [colour[::-1] for colour in (RED, GREEN, BLUE, GREY)], 2)
    assert still.notes == ("converted from its colour profile to sRGB",)


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = np.random.default_rng(1).integers(0, 256, (80, 96, 3), np.uint8)
    still = open_still(put(tmp_path, Image.fromarray(noise), "PNG", icc_profile=profile))
    assert np.array_equal(still.pixels, noise)
    assert still.notes == ()


@pytest.mark.parametrize("profile", [b"no profile at all", bytes(200)])
def test_a_damaged_profile_is_ignored_with_a_note(tmp_path: Path, profile: bytes) -> None:
    still = open_still(put(tmp_path, Image.fromarray(quarters()), "JPEG", quality=95, icc_profile=profile))
    assert near(corners(still), [RED, GREEN, BLUE, GREY], 4)
    assert still.notes == ("its colour profile is damaged or does not fit and was ignored",)


def test_a_profile_of_another_kind_is_ignored_with_a_note(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    still = open_still(put(tmp_path, Image.fromarray(quarters()), "PNG", icc_profile=profile))
    assert np.array_equal(still.pixels, quarters())
    assert len(still.notes) == 1


def test_grey_palette_bilevel_and_cmyk(tmp_path: Path) -> None:
    image = Image.fromarray(quarters())
    grey = open_still(put(tmp_path, image.convert("L"), "PNG"))
    assert grey.pixels.shape == (80, 96, 3)
    assert np.array_equal(grey.pixels[..., 0], np.asarray(image.convert("L")))
    assert np.array_equal(grey.pixels[..., 0], grey.pixels[..., 2])
    assert near(corners(open_still(put(tmp_path, image.quantize(4), "PNG"))), [RED, GREEN, BLUE, GREY], 4)
    assert set(np.unique(open_still(put(tmp_path, image.convert("1"), "TIFF")).pixels)) == {0, 255}
    for kind in ("TIFF", "JPEG"):
        cmyk = open_still(put(tmp_path, image.convert("CMYK"), kind))
        assert near(corners(cmyk), [RED, GREEN, BLUE, GREY], 4)
        assert "CMYK" in cmyk.notes[0]


def test_lab_is_converted(tmp_path: Path) -> None:
    still = open_still(put(tmp_path, Image.new("LAB", (80, 80), (255, 128, 128)), "TIFF"))
    assert still.pixels.min() >= 254  # L 100, a 0, b 0 is white


@pytest.mark.parametrize("colour", [0, 2, 4, 6], ids=["grey", "rgb", "grey alpha", "rgb alpha"])
def test_sixteen_bit_png_is_scaled_not_clipped(tmp_path: Path, colour: int) -> None:
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    values = np.linspace(0, 65535, 80 * 96).astype(np.uint16).reshape(80, 96, 1).repeat(channels, 2)
    if channels in (2, 4):
        values[..., -1] = 65535
    raw = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in values))
    (tmp_path / "deep.png").write_bytes(png(96, 80, 16, colour, raw))
    still = open_still(tmp_path / "deep.png")
    expected = values[..., :1] / 257.0
    assert np.abs(still.pixels - expected).max() <= 1.0
    assert abs((still.pixels - expected).mean()) < 0.1
    assert still.alpha is None


def test_sixteen_bit_tiff_of_both_byte_orders(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 80 * 96).astype(np.uint16).reshape(80, 96)
    path = put(tmp_path, Image.fromarray(values), "TIFF")
    assert np.abs(open_still(path).pixels[..., 1] - values / 257.0).max() <= 0.51
    assert "16" in open_still(path).notes[0]


def test_numbers_of_32_bit_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, Image.fromarray(np.full((80, 80), 0.5, np.float32)), "TIFF")
    assert "32 bit" in refused(path).why


# ----------------------------------------------------------------------------------------------------------- alpha


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_transparency_lies_on_white_and_is_kept(tmp_path: Path, kind: str) -> None:
    pixels = np.dstack([quarters(), np.full((80, 96), 255, np.uint8)])
    pixels[:, :48, 3] = 0  # the left half: what colour hides there must not show
    pixels[:40, 48:, 3] = 128
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "AVIF" else {}
    still = open_still(put(tmp_path, Image.fromarray(pixels), kind, **options))
    half = tuple((c * 128 + 255 * 127 + 127) // 255 for c in GREEN)
    assert near(corners(still), [(255,) * 3, half, (255,) * 3, GREY], 4 if kind == "AVIF" else 0)
    assert still.alpha is not None
    assert still.alpha.shape == (80, 96)
    assert [int(still.alpha[y, x]) for y, x in ((8, 8), (8, 88), (72, 88))] == [0, 128, 255]
    assert not still.alpha.flags.writeable
    assert "transparent" in still.notes[-1]


def test_alpha_that_hides_nothing_is_dropped(tmp_path: Path) -> None:
    still = open_still(put(tmp_path, Image.fromarray(quarters()).convert("RGBA"), "PNG"))
    assert still.alpha is None
    assert np.array_equal(still.pixels, quarters())


def test_a_transparent_colour_counts_as_alpha(tmp_path: Path) -> None:
    still = open_still(put(tmp_path, Image.fromarray(quarters()), "PNG", transparency=RED))
    assert near(corners(still), [(255, 255, 255), GREEN, BLUE, GREY], 0)
    palette = Image.fromarray(quarters()).quantize(4)
    index = palette.getpixel((2, 2))
    still = open_still(put(tmp_path, palette, "PNG", transparency=index))
    assert near(corners(still), [(255, 255, 255), GREEN, BLUE, GREY], 4)


def test_a_picture_of_nothing_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, Image.new("RGBA", (80, 80), (200, 100, 50, 0)), "PNG")
    assert "transparent everywhere" in refused(path).why


# -------------------------------------------------------------------------------------------------------- refusals


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    for content, why in (
        (b"just some words", "it is not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG drawing, which has no pixels"),
        (b"%PDF-1.7 ...", "it is a PDF document"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "it is a HEIC picture"),
        (b"8BPS\0\x01", "it is a Photoshop document"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "it is a sound"),
        (b"%!PS-Adobe-3.0 EPSF", "it is a PostScript drawing"),
        (b"P6 9999999 9999999 255\n", "it is not a picture"),  # a format Pillow knows and we do not ask for
    ):
        (tmp_path / "hero.jpg").write_bytes(content)
        assert why in refused(tmp_path / "hero.jpg").why


def test_a_video_is_refused_as_one(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("mpeg4", rate=25, width=64, height=64)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        out.mux(stream.encode(None))
    assert "a video, not a still" in refused(path).why


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF"])
def test_an_animation_is_refused_as_one(tmp_path: Path, kind: str) -> None:
    image = Image.fromarray(quarters())
    path = put(tmp_path, image, kind, save_all=True, append_images=[image.rotate(90)])
    assert "not a still" in refused(path).why


def test_pages_are_refused_and_thumbnails_are_not(tmp_path: Path) -> None:
    image = Image.fromarray(quarters())
    path = put(tmp_path, image, "TIFF", save_all=True, append_images=[image])
    assert "more than one page" in refused(path).why
    small = image.resize((48, 40))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    path = put(tmp_path, image, "TIFF", save_all=True, append_images=[small])
    assert open_still(path).size == (96, 80)


def test_a_phones_jpeg_with_a_second_picture_opens(tmp_path: Path) -> None:
    image = Image.fromarray(quarters())
    path = put(tmp_path, image, "MPO", save_all=True, append_images=[image.resize((48, 40))], quality=95)
    assert near(corners(open_still(path)), [RED, GREEN, BLUE, GREY], 8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_file_cut_off_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (128, 128, 3), np.uint8)
    path = put(tmp_path, Image.fromarray(noise), kind)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    error = refused(path)
    assert "cut off" in error.why or "damaged" in error.why
    assert "again" in error.fix


def test_a_small_file_that_unfolds_is_refused_before_it_does(tmp_path: Path) -> None:
    rows = zlib.compressobj(9)
    body = b"".join(rows.compress(bytes(12_650)) for _ in range(12_649)) + rows.flush()
    bomb = png(12_649, 12_649, 8, 0, body)
    assert len(bomb) < 200_000  # 160 megapixels
    (tmp_path / "bomb.png").write_bytes(bomb)
    assert "12649 × 12649 px, 160 megapixels" in refused(tmp_path / "bomb.png").why
    for side in (20_000, 2**31 - 1):
        (tmp_path / "bomb.png").write_bytes(png(side, side, 8, 2, b""))
        assert "megapixels" in refused(tmp_path / "bomb.png").why


def test_a_webp_that_claims_too_much_is_refused_by_its_header(tmp_path: Path) -> None:
    path = put(tmp_path, Image.fromarray(quarters()).convert("RGBA"), "WEBP", exif=Image.Exif(), xmp=b"<x/>")
    data = bytearray(path.read_bytes())
    assert data[12:16] == b"VP8X"
    data[24:30] = (16_382).to_bytes(3, "little") * 2
    path.write_bytes(data)
    assert "16383 × 16383 px" in refused(path).why


@pytest.mark.parametrize("size", [(1, 1), (63, 200), (200, 63)])
def test_a_picture_too_small_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    error = refused(put(tmp_path, Image.new("RGB", size), "PNG"))
    assert f"{size[0]} × {size[1]} px" in error.why
    assert "at least 64" in error.why


def test_a_strip_too_long_is_refused(tmp_path: Path) -> None:
    assert "32766 a side" in refused(put(tmp_path, Image.new("L", (40_000, 64)), "PNG")).why


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(65 * 2**20)
    assert "65 MB and the limit is 64 MB" in refused(path).why


def test_a_raw_file_that_calls_itself_tiff_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, Image.fromarray(quarters()), "TIFF", tiffinfo={50706: b"\x01\x04\0\0"})
    assert "raw file" in refused(path).why


def test_huge_tiles_are_refused_before_they_are_allocated(tmp_path: Path) -> None:
    path = put(tmp_path, Image.fromarray(quarters()), "TIFF", tiffinfo={65_000: 65_520, 65_001: 65_520})
    data = path.read_bytes()  # Pillow does not write tags of tiles beside strips: private ones, renamed
    path.write_bytes(
        data.replace(struct.pack("<HH", 65_000, 3), struct.pack("<HH", 322, 3)).replace(
            struct.pack("<HH", 65_001, 3), struct.pack("<HH", 323, 3)
        )
    )
    assert "tiles" in refused(path).why


def test_decoders_that_print_are_not_heard(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (128, 128, 3), np.uint8)
    path = put(tmp_path, Image.fromarray(noise).convert("1"), "TIFF", compression="group4")
    data = bytearray(path.read_bytes())
    data[600:1000] = np.random.default_rng(2).bytes(400)
    path.write_bytes(data)
    assert "damaged" in refused(path).why
    assert capfd.readouterr() == ("", "")


def test_the_folder_never_shows(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    assert str(tmp_path) not in str(refused(tmp_path / "a.png"))
