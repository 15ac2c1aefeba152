"""Photos that cost more than they show: small files whose decoding takes minutes or gigabytes."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image
from rare_pictures import GREY, RGB, Page, tiff
from tools import picture

pillow_heif.register_heif_opener()  # for writing it

SCAN = b"\xff\xda"
END = b"\xff\xd9"
SIGNED_64 = 17
"""TIFF's type."""


def scans(width: int, height: int, count: int) -> bytes:
    """A progressive JPEG whose last scan, which refines nothing, comes ``count`` times more."""
    plain = picture(Image.new("RGB", (width, height), (90, 120, 150)), progressive=True, quality=60)
    tables = plain.rindex(b"\xff\xc4")
    last = plain[min(tables, plain.rindex(SCAN)) : -2]
    return plain[:-2] + count * last + END


def crowd(portrait: Path, side: int) -> bytes:
    """A square of ``side`` x ``side`` times the same portrait."""
    with Image.open(portrait) as one:
        tile = one.convert("RGB").resize((100, 100))
    photo = Image.new("RGB", (side * 100, side * 100))
    for number in range(side * side):
        photo.paste(tile, (number % side * 100, number // side * 100))
    return picture(photo)


def markers(count: int) -> bytes:
    """A JPEG with so many empty comments."""
    plain = picture(Image.new("RGB", (64, 64)))
    return plain[:2] + count * b"\xff\xfe\x00\x02" + plain[2:]


def one_tile(side: int, shown: int = 64, bands: int = 1) -> bytes:
    """A TIFF of ``shown`` pixels a side, whose one tile has ``side``, deflated."""
    press = zlib.compressobj(9)
    row = bytes(side * bands)
    data = b"".join(press.compress(row) for _ in range(side)) + press.flush()
    return _compressed_tiff(shown, data, {322: [side], 323: [side], 324: None, 325: None}, bands)


def hidden_tile(side: int) -> bytes:
    """As ``one_tile``, with its size in numbers of a type that libtiff reads, but Pillow doesn't."""
    data = bytearray(one_tile(side))
    for number in range(struct.unpack_from("<H", data, 8)[0]):
        at = 10 + 12 * number
        if struct.unpack_from("<H", data, at)[0] in (322, 323):
            struct.pack_into("<HII", data, at + 2, SIGNED_64, 1, len(data))
            data += struct.pack("<q", side)
    return bytes(data)


def one_strip(rows: int, shown: int = 64, width: int | None = None) -> bytes:
    """A TIFF of ``shown`` pixels a side, whose one strip claims and holds ``rows``, deflated."""
    press = zlib.compressobj(9)
    data = (
        b"".join(press.compress(bytes(1_000_000)) for _ in range(rows * shown // 1_000_000)) + press.flush()
    )
    return _compressed_tiff(shown, data, {278: [rows], 273: None, 279: None}, 1)


def jpeg_in_tiff(side: int, shown: int = 64) -> bytes:
    """A TIFF of ``shown`` pixels a side, whose one strip is a JPEG of ``side``."""
    data = picture(Image.new("L", (side, side)), quality=30)
    return _compressed_tiff(shown, data, {278: [shown], 273: None, 279: None}, 1, compression=7)


def _compressed_tiff(
    shown: int, data: bytes, places: dict[int, list[int] | None], bands: int, compression: int = 8
) -> bytes:
    tags: dict[int, list[int]] = {
        256: [shown],
        257: [shown],
        258: [8] * bands,
        259: [compression],
        262: [GREY if bands == 1 else RGB],
        277: [bands],
        284: [1],
        339: [1] * bands,
    }
    start = 8 + 2 + 12 * (len(tags) + len(places)) + 4
    extra = b""
    for tag, values in places.items():
        tags[tag] = values or []
    offsets, counts = (324, 325) if 324 in places else (273, 279)
    for tag, values in tags.items():
        if len(values) > 2 and tag in (258, 339):
            extra += struct.pack(f"<{len(values)}H", *values)
    tags[offsets], tags[counts] = [start + len(extra)], [len(data)]
    entries, at = b"", start
    for tag, values in sorted(tags.items()):
        if len(values) > 2:
            entries += struct.pack("<HHII", tag, 3, len(values), at)
            at += 2 * len(values)
        else:
            entries += struct.pack("<HHII", tag, 4, 1, values[0])
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + struct.pack("<I", 0)
    return head + extra + data


def false_ispe(real: tuple[int, int], claimed: tuple[int, int]) -> bytes:
    """A HEIC whose header claims another size than its picture has."""
    heic = picture(Image.new("RGB", real, (90, 120, 150)), "HEIF")
    size = b"ispe" + struct.pack(">III", 0, *real)
    assert size in heic
    return heic.replace(size, b"ispe" + struct.pack(">III", 0, *claimed))


def bmp_delta(width: int = 50_000_000) -> bytes:
    """A BMP of one row whose run-length code moves 255 rows up."""
    header = struct.pack("<IiiHHIIiiII", 40, width, 1, 1, 8, 1, 4, 2835, 2835, 256, 0)
    start = 14 + 40 + 1024
    body = b"\0\x02\xff\xff" * 1000
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + header + bytes(1024) + body


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def chunks(count: int) -> bytes:
    """A PNG with so many empty chunks that nobody knows."""
    plain = picture(Image.new("L", (64, 64)), "PNG")
    return plain[:33] + count * chunk(b"abCd", b"") + plain[33:]


def pages(count: int) -> bytes:
    """A TIFF with so many pages."""
    page = Page(np.zeros((8, 8), np.uint8), GREY)
    return tiff(*[page] * count)


def endless_pages() -> bytes:
    """A TIFF whose only page comes after itself."""
    data = bytearray(tiff(Page(np.zeros((8, 8), np.uint8), GREY)))
    entries = struct.unpack_from("<H", data, 8)[0]
    struct.pack_into("<I", data, 10 + 12 * entries, 8)
    return bytes(data)


def many_values(count: int) -> bytes:
    """A TIFF with a tag of so many numbers."""
    return tiff(Page(np.zeros((8, 8), np.uint8), GREY, more={40_000: [7] * count}))


def wide(width: int, height: int, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height), 100).save(buffer, kind)
    return buffer.getvalue()
