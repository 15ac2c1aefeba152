"""Damaged photos by the thousand, and decompression bombs: no crash, no hang, no memory without bound."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, PngImagePlugin
from rare_pictures import GREY, Page
from rare_pictures import tiff as tiff_of
from tools import encoded, landscape, picture

from ingest_service.app import create_app
from ingest_service.errors import CODES, PHOTO
from ingest_service.settings import Settings

pillow_heif.register_heif_opener()  # for writing them

PHOTO_CODES = {code for code, (status, _) in CODES.items() if status == PHOTO} - {"internal"}
SEED = 20_040_501
PHOTOS = 2_800
SERVED = 420

# Run in a process of its own, whose memory is its own: decodes every photo of a folder, notes the outcome.
JUDGE = """
import json, os, pathlib, resource, sys, time
from ingest_service.decoding import decode
from ingest_service.errors import FaceServiceError
folder = pathlib.Path(sys.argv[1])
def once(data):
    try:
        return decode(data, 15_000_000, int(sys.argv[2])).pixels.dtype.name
    except FaceServiceError as error:
        return error.code
    except Exception as error:
        return "crash " + type(error).__name__
def peak():
    status = pathlib.Path("/proc/self/status")  # getrusage's peak begins with the parent's
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_000_000
for path in sorted((folder / "warm").iterdir()):
    once(path.read_bytes())
before, outcomes, slowest = peak(), {}, 0
for path in sorted((folder / "photos").iterdir()):
    start = time.perf_counter()
    outcomes[path.name] = once(path.read_bytes())
    slowest = max(slowest, time.perf_counter() - start)
print(json.dumps({"outcomes": outcomes, "slowest": slowest, "grown_mb": peak() - before}))
"""


def judged(folder: Path, max_pixels: int, timeout: float) -> dict:
    """Outcome of every photo in ``folder``, seconds of the slowest, and the growth of the peak memory."""
    run = subprocess.run(
        [sys.executable, "-c", JUDGE, str(folder), str(max_pixels)],
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert run.returncode == 0, (run.returncode, run.stderr[-2000:])
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def seeds(portrait: Path) -> dict[str, list[bytes]]:
    """Small photos with a face: every format, its compressions, depths, frames and side data."""
    colour = Image.open(portrait).convert("RGB").resize((120, 150))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2004:05:01 12:30:00"
    grey, palette, bits = colour.convert("L"), colour.convert("P"), colour.convert("1")
    glass = colour.convert("RGBA")
    glass.putalpha(120)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    real = Image.fromarray(np.asarray(grey).astype(np.float32))
    text = PngImagePlugin.PngInfo()
    text.add_itxt("comment", "a remark " * 20, zip=True)
    frames = {"save_all": True, "append_images": [colour.rotate(90)]}
    return {
        "JPEG": [
            picture(colour, exif=exif),
            picture(colour, progressive=True),
            picture(colour.convert("CMYK")),
            picture(grey),
        ],
        "PNG": [
            picture(colour, "PNG", exif=exif, pnginfo=text),
            picture(glass, "PNG"),
            picture(palette, "PNG", transparency=3),
            picture(deep, "PNG"),
        ],
        "WEBP": [
            picture(colour, "WEBP", exif=exif),
            picture(glass, "WEBP", lossless=True),
            picture(colour, "WEBP", **frames),
        ],
        "BMP": [picture(colour, "BMP"), picture(palette, "BMP"), picture(bits, "BMP")],
        "TIFF": [
            picture(colour, "TIFF", exif=exif),
            picture(colour, "TIFF", compression="tiff_lzw"),
            picture(colour, "TIFF", compression="jpeg"),
            picture(colour, "TIFF", compression="tiff_adobe_deflate"),
            picture(bits, "TIFF", compression="group4"),
            picture(real, "TIFF"),
            picture(deep, "TIFF"),
        ],
        "GIF": [
            picture(palette, "GIF"),
            picture(palette, "GIF", transparency=2, save_all=True, append_images=[palette.rotate(90)]),
        ],
        "HEIF": [picture(colour, "HEIF", exif=exif), picture(glass, "HEIF")],
    }


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bits flipped, numbers made extreme, parts cut, doubled and moved; more of it where headers are."""
    damaged = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        if len(damaged) < 8:
            break
        near = min(len(damaged), 400) if chance.random() < 0.6 else len(damaged)
        place, length = chance.randrange(near), chance.randrange(1, 33)
        match chance.randrange(6):
            case 0:
                damaged[place] ^= 1 << chance.randrange(8)
            case 1:
                damaged[place] = chance.choice([0, 1, 127, 128, 254, 255])
            case 2:
                extreme = chance.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1"])
                damaged[place : place + 4] = extreme
            case 3:
                del damaged[place : place + length]
            case 4:
                damaged[place:place] = chance.randbytes(length)
            case 5:
                start = chance.randrange(len(damaged))
                damaged[place : place + length] = damaged[start : start + length]
    return bytes(damaged)


@pytest.fixture(scope="module")
def damaged(seeds) -> list[tuple[str, bytes]]:
    """(format, photo): three in four mutated, the rest cut off somewhere. The same ones in every run."""
    chance = random.Random(SEED)
    photos = []
    for number in range(PHOTOS):
        kind = list(seeds)[number % len(seeds)]
        data = chance.choice(seeds[kind])
        cut = number % 4 == 0
        photos.append((kind, data[: chance.randrange(len(data))] if cut else mutated(data, chance)))
    return photos


def test_thousands_of_damaged_photos_of_every_format_are_decoded_or_refused_with_a_photos_code(
    seeds, damaged, tmp_path
):
    (tmp_path / "photos").mkdir()
    (tmp_path / "warm").mkdir()
    for kind, photos in seeds.items():
        for number, data in enumerate(photos):
            (tmp_path / "warm" / f"{kind}{number}").write_bytes(data)
    for number, (kind, data) in enumerate(damaged):
        (tmp_path / "photos" / f"{number:05}-{kind}").write_bytes(data)
    report = judged(tmp_path, max_pixels=4_000_000, timeout=240)
    outcomes = report["outcomes"]
    assert len(outcomes) == PHOTOS
    assert set(outcomes.values()) <= PHOTO_CODES | {"uint8"}
    assert report["slowest"] < 10
    assert report["grown_mb"] < 200
    # The claim is of damage that reaches the decoders, not only of files that nobody recognizes.
    for kind in seeds:
        of_kind = [outcome for name, outcome in outcomes.items() if name.endswith(kind)]
        assert len(of_kind) == PHOTOS // len(seeds)
        assert sum(outcome in ("uint8", "damaged", "truncated") for outcome in of_kind) > len(of_kind) / 5


def test_damaged_photos_pass_the_whole_service_and_each_gets_its_answer(cache, damaged):
    service = create_app(Settings(cache=cache.root, max_pixels=1_000_000)).test_client()
    outcomes = []
    step = len(damaged) // SERVED
    chosen = damaged[::step][:SERVED]
    for start in range(0, SERVED, 30):
        images = [{"image": encoded(data)} for _, data in chosen[start : start + 30]]
        response = service.post("/v1/faces", json={"images": images})
        assert response.status_code == 200
        outcomes += response.json["results"]
    assert len(outcomes) == SERVED
    for result in outcomes:
        assert ("error" in result) != ({"faces", "photo", "file", "thumbnail"} <= set(result))
        assert result.get("error", {}).get("code") in PHOTO_CODES | {None}
    faces = [face for result in outcomes for face in result.get("faces", ())]
    assert len(faces) > 20
    for face in faces:
        assert np.isclose(np.linalg.norm(face["vector"]), 1, atol=1e-4)
        assert 0 <= face["quality"]["score"] <= 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF"])
def test_a_photo_that_ends_anywhere_is_never_a_crash(service, seeds, kind):
    data = seeds[kind][0]
    cuts = sorted({*range(1, 60), *np.linspace(60, len(data) - 1, 60).astype(int).tolist()})
    images = [{"image": encoded(data[:cut])} for cut in cuts]
    for start in range(0, len(images), 60):
        results = service.post("/v1/faces", json={"images": images[start : start + 60], "return": []}).json
        for result in results["results"]:
            assert result.get("error", {}).get("code") in PHOTO_CODES | {None}


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 2), (2, 1), (1, 5000), (5000, 1), (3, 3), (15, 17), (31, 1000)], ids=str
)
def test_a_photo_of_any_proportions_has_an_answer(service, size):
    images = [{"image": encoded(picture(landscape(*size), kind))} for kind in ("JPEG", "PNG", "WEBP")]
    for result in service.post("/v1/faces", json={"images": images}).json["results"]:
        assert result["faces"] == []
        assert (result["photo"]["width"], result["photo"]["height"]) == size


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes, size: tuple[int, int] = (8, 8), body: bytes | None = None) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0))
    pixels = zlib.compress(b"\0" * (size[0] + 1) * size[1]) if body is None else body
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def zeros(megabytes: int) -> bytes:
    """Zipped nothing: a thousandth of its size."""
    press = zlib.compressobj(9)
    block = b"\0" * 1_000_000
    return b"".join(press.compress(block) for _ in range(megabytes)) + press.flush()


def claim(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


def bombs() -> dict[str, tuple[bytes, str]]:
    """(file, outcome) by name. None is above 300 kB."""
    tiff = picture(Image.new("L", (300, 299)), "TIFF", compression="tiff_adobe_deflate")
    heic = picture(Image.new("RGB", (320, 288)), "HEIF")
    gif = picture(Image.new("P", (300, 299)), "GIF")
    bmp = picture(Image.new("L", (300, 299)), "BMP")
    jpeg = picture(Image.new("RGB", (300, 299)))
    wide, high = struct.pack("<II", 300, 299)[:4], struct.pack("<II", 300, 299)[4:]
    text = zeros(100)
    return {
        "png, pixels": (png(size=(30_000, 30_000), body=zeros(1)), "too_many_pixels"),
        "png, more pixels than numbers": (png(size=(2**31 - 1, 2**31 - 1), body=b""), "too_many_pixels"),
        "png, real zeros": (picture(Image.new("1", (20_000, 20_000)), "PNG"), "too_many_pixels"),
        "png, more data than pixels": (png(body=zeros(100)), "uint8"),
        "png, zTXt": (png(chunk(b"zTXt", b"a\0\0" + text)), "damaged"),
        "png, iTXt": (png(chunk(b"iTXt", b"a\0\1\0\0\0" + text)), "damaged"),
        "png, iCCP": (png(chunk(b"iCCP", b"a\0\0" + text)), "damaged"),
        "png, many zTXt": (png(*[chunk(b"zTXt", b"a\0\0" + zeros(1))] * 100), "damaged"),
        "tiff": (
            claim(claim(tiff, wide, struct.pack("<I", 40_000)), high, struct.pack("<I", 40_000)),
            "too_many_pixels",
        ),
        "tiff, real zeros": (
            picture(Image.new("1", (30_000, 30_000)), "TIFF", compression="group4"),
            "too_many_pixels",
        ),
        "tiff, a tile larger than the picture": (
            tiff_of(Page(np.zeros((8, 8), np.uint8), GREY, more={322: [40_000], 323: [40_000]})),
            "too_many_pixels",
        ),
        "gif, screen": (gif[:6] + b"\xff\xff\xff\xff" + gif[10:], "too_many_pixels"),
        "bmp": (claim(bmp, wide + high, struct.pack("<ii", 60_000, 60_000)), "too_many_pixels"),
        "jpeg": (claim(jpeg, struct.pack(">HH", 299, 300), b"\xff\xdc\xff\xdc"), "too_many_pixels"),
        "webp, lossless": (
            picture(Image.new("RGB", (16_000, 16_000)), "WEBP", lossless=True, method=0),
            "too_many_pixels",
        ),
        "heic": (
            claim(heic, struct.pack(">II", 320, 288), struct.pack(">II", 30_000, 30_000)),
            "too_many_pixels",
        ),
    }


@pytest.mark.slow
def test_decompression_bombs_are_refused_quickly_and_with_little_memory(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "warm").mkdir()
    for kind in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF"):
        (tmp_path / "warm" / kind).write_bytes(picture(landscape(1000, 1000), kind))
    expected = {}
    for name, (data, code) in bombs().items():
        assert len(data) < 300_000, name
        (tmp_path / "photos" / name).write_bytes(data)
        expected[name] = code
    report = judged(tmp_path, max_pixels=50_000_000, timeout=60)
    assert report["grown_mb"] < 100
    assert report["slowest"] < 2
    for name, code in expected.items():
        assert report["outcomes"][name] == code, name
