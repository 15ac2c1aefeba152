"""Photos as scanners, cameras and old programs store them: read as what they show, or refused by name."""

from __future__ import annotations

import io
import struct

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from rare_pictures import (
    BYTE_MASKS,
    CMYK,
    FLOAT,
    GREY,
    GREY_NEGATIVE,
    LAB,
    PALETTE,
    SIGNED,
    Page,
    bmp,
    tiff,
)
from tools import encoded, picture

pillow_heif.register_heif_opener()  # for writing it

SIDE = 160


@pytest.fixture(scope="module")
def colour(portrait) -> np.ndarray:
    return np.asarray(Image.open(portrait).convert("RGB").resize((SIDE, SIDE)))


@pytest.fixture(scope="module")
def grey(colour) -> np.ndarray:
    return np.asarray(Image.fromarray(colour).convert("L"))


@pytest.fixture(scope="module")
def results(service):
    """The results of photos, in order."""

    def sent(*photos: bytes) -> list[dict]:
        images = [{"image": encoded(data)} for data in photos]
        return service.post("/v1/faces", json={"images": images, "return": ["vector"]}).json["results"]

    return sent


def deep(pixels: np.ndarray) -> np.ndarray:
    """In 16 bits."""
    return pixels.astype(np.uint16) * 257


def with_alpha(pixels: np.ndarray, alpha: int) -> np.ndarray:
    return np.dstack([pixels, np.full(pixels.shape[:2], alpha, pixels.dtype)])


def half_clear(pixels: np.ndarray) -> np.ndarray:
    """With an alpha that hides the upper rows, and half of some more."""
    alpha = np.full(pixels.shape[:2], 255, np.uint8)
    alpha[:12], alpha[12:24] = 0, 128
    return np.dstack([pixels, alpha])


def on_white(pixels: np.ndarray) -> np.ndarray:
    alpha = half_clear(pixels)[..., -1:].astype(float) / 255
    return np.round(np.dstack([pixels]) * alpha + 255 * (1 - alpha)).astype(np.uint8).squeeze()


def premultiplied(pixels: np.ndarray) -> np.ndarray:
    faded = half_clear(pixels)
    colours = faded[..., :-1].astype(float) * faded[..., -1:] / 255
    return np.dstack([np.round(colours).astype(np.uint8), faded[..., -1]])


def cmyk(colour: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(colour).convert("CMYK"))


def orders(page: Page) -> list[bytes]:
    """A page in both byte orders."""
    return [tiff(page), tiff(page, order=">")]


def test_every_kind_of_tiff_in_colour_has_the_face_of_its_8_bit_twin(results, colour):
    photos = [
        *orders(Page(deep(colour), bits=16)),
        *orders(Page(deep(colour), bits=16, planes=True)),
        *orders(Page(colour, planes=True)),
        *orders(Page(with_alpha(deep(colour), 65535), bits=16, planes=True, more={338: [2]})),
        # A fourth channel that isn't transparency.
        *orders(Page(with_alpha(colour, 0), more={338: [0]})),
        *orders(Page(with_alpha(deep(colour), 0), bits=16, planes=True, more={338: [0]})),
        *orders(Page(cmyk(colour), CMYK)),
        *orders(Page(deep(cmyk(colour)), CMYK, bits=16, planes=True)),
        *orders(Page(deep(np.rot90(colour)), bits=16, planes=True, more={274: [6]})),
        picture(Image.fromarray(colour), "TIFF", compression="tiff_lzw"),
        picture(Image.fromarray(colour), "TIFF", compression="jpeg", quality=95),
    ]
    assert_same_face(results, colour, photos)


def test_every_kind_of_grey_tiff_has_the_face_of_its_8_bit_twin(results, grey):
    photos = [
        *orders(Page(grey, GREY)),
        *orders(Page(255 - grey, GREY_NEGATIVE)),
        *orders(Page(deep(grey), GREY, bits=16)),
        *orders(Page(65535 - deep(grey), GREY_NEGATIVE, bits=16)),
        tiff(Page(deep(grey) >> 4, GREY, bits=12)),
        picture(Image.fromarray(deep(grey)), "TIFF", compression="tiff_lzw"),
    ]
    assert_same_face(results, grey, photos)


def test_a_palette_of_8_bits_where_tiff_has_16_is_no_black_photo(results, colour):
    drawn = Image.fromarray(colour).quantize(256)
    palette = np.array(drawn.getpalette()).reshape(-1, 3).T.ravel()
    photos = [
        *orders(Page(np.asarray(drawn), PALETTE, more={320: (palette * 257).tolist()})),
        *orders(Page(np.asarray(drawn), PALETTE, more={320: palette.tolist()})),
    ]
    assert_same_face(results, np.asarray(drawn.convert("RGB")), photos)


def test_what_is_transparent_lies_on_white_in_every_format(results, colour, grey):
    glass = Image.fromarray(half_clear(colour))
    photos = [
        picture(glass, "PNG"),
        picture(glass, "WEBP", lossless=True),
        picture(glass, "HEIF", quality=-1),
        *orders(Page(half_clear(colour), more={338: [2]})),
        *orders(Page(premultiplied(colour), more={338: [1]})),
        *orders(Page(deep(half_clear(colour)), bits=16, planes=True, more={338: [2]})),
        bmp(half_clear(colour)[::-1, :, [2, 1, 0, 3]].tobytes(), (SIDE, SIDE), 32, 124, 3, BYTE_MASKS),
    ]
    assert_same_face(results, on_white(colour), photos)
    photos = [
        picture(Image.fromarray(half_clear(grey)), "PNG"),
        *orders(Page(premultiplied(grey), GREY, more={338: [1]})),
    ]
    assert_same_face(results, on_white(grey), photos)


def test_a_bmp_whose_fourth_byte_is_empty_is_no_white_photo(results, colour):
    rows = with_alpha(colour[::-1, :, ::-1], 0).tobytes()
    other_rows = with_alpha(colour[::-1], 0).tobytes()
    size = (SIDE, SIDE)
    photos = [
        *(bmp(rows, size, 32, header, 3, BYTE_MASKS) for header in (56, 108, 124)),
        *(bmp(rows, size, 32, header, 3, BYTE_MASKS[:3]) for header in (40, 52, 124)),
        bmp(rows, size, 32, 40),
        bmp(rows, size, 32, 124, 3, (0, 0, 0, 0)),
        bmp(other_rows, size, 32, 124, 3, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
    ]
    assert_same_face(results, colour, photos)


def test_older_kinds_of_bmp_are_read(results, colour):
    size = (SIDE, SIDE)
    red, green, blue = (colour[::-1, :, channel].astype(np.uint16) for channel in range(3))
    packed = (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3
    drawn = Image.fromarray(colour).quantize(256)
    table = b"".join(bytes([b, g, r, 0]) for r, g, b in np.array(drawn.getpalette()).reshape(-1, 3).tolist())
    rows = np.asarray(drawn)[::-1]
    runs = b"".join(b"".join(bytes([1, value]) for value in row) + b"\0\0" for row in rows.tolist()) + b"\0\1"
    photos = [
        bmp(packed.astype("<u2").tobytes(), size, 16, 40, 3, (0xF800, 0x7E0, 0x1F)),
        bmp(colour[::-1, :, ::-1].tobytes(), size, 24, 64),
        bmp(rows.tobytes(), size, 8, palette=table),
        bmp(runs, size, 8, compression=1, palette=table),
    ]
    assert_same_face(results, colour, photos, at_least=0.97)


def test_deep_and_coloured_files_of_other_formats_have_the_face_of_their_twin(results, colour, grey):
    photos = [
        picture(Image.fromarray(colour).convert("CMYK"), quality=97),
        picture(Image.fromarray(colour), "JPEG", quality=97, progressive=True),
        ten_bit_heic(colour),
    ]
    assert_same_face(results, colour, photos)
    photos = [
        picture(Image.fromarray(deep(grey)), "PNG"),
        picture(Image.fromarray(grey), "HEIF", quality=-1),
        picture(Image.fromarray(with_alpha(grey, 255)), "PNG"),
    ]
    assert_same_face(results, grey, photos)


def ten_bit_heic(colour: np.ndarray) -> bytes:
    size = colour.shape[1], colour.shape[0]
    image = pillow_heif.from_bytes("RGB;16", size, deep(colour).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, quality=-1)
    return buffer.getvalue()


def assert_same_face(results, twin: np.ndarray, photos: list[bytes], at_least: float = 0.99) -> None:
    expected, *found = results(picture(Image.fromarray(twin).convert("RGB"), "PNG"), *photos)
    [right] = expected["faces"]
    for index, result in enumerate(found):
        assert len(result.get("faces", ())) == 1, (index, result)
        cosine = np.dot(right["vector"], result["faces"][0]["vector"])
        assert cosine >= at_least, index
        assert (result["photo"]["width"], result["photo"]["height"]) == (SIDE, SIDE)


def test_a_tiffs_thumbnail_is_not_taken_for_the_photo(results, colour):
    small = colour[::4, ::4]
    reduced = {254: [1]}
    photos = [
        tiff(Page(small, more=reduced), Page(colour)),
        tiff(Page(small), Page(colour)),
        tiff(Page(colour), Page(small, more=reduced)),
        # Two pages of a scan: the first one is the photo.
        tiff(Page(colour), Page(np.rot90(colour)[:, :40])),
        tiff(Page(colour), Page(np.zeros((SIDE * 2, SIDE * 3, 3), np.uint8))),
    ]
    assert_same_face(results, colour, photos)
    # As a raw file: the pixels of the sensor (32803) aren't read, and its preview isn't the photo.
    [result] = results(tiff(Page(small, more=reduced), Page(deep(colour[..., 0]), 32803, bits=16)))
    assert result["error"]["code"] == "unsupported_format"


@pytest.fixture(scope="module")
def jpeg(colour) -> bytes:
    return picture(Image.fromarray(colour), quality=95)


def frame(jpeg: bytes, marker: int, bits: int = 8) -> bytes:
    """A JPEG whose frame says that it is of another kind."""
    at = jpeg.index(b"\xff\xc0")
    return jpeg[: at + 1] + bytes([marker]) + jpeg[at + 2 : at + 4] + bytes([bits]) + jpeg[at + 5 :]


def test_what_cannot_be_read_right_is_refused_as_unsupported(results, colour, grey, jpeg):
    real = (colour / 255).astype(np.float32)
    size = (SIDE, SIDE)
    photos = {
        "float": orders(Page(real, bits=32, kind=FLOAT)),
        "grey float": orders(Page(real[..., 0], GREY, bits=32, kind=FLOAT)),
        "half float": orders(Page(real.astype(np.float16), bits=16, kind=FLOAT)),
        "signed": orders(Page((deep(grey) // 2).astype(np.int16), GREY, bits=16, kind=SIGNED)),
        "signed bytes": orders(Page((grey // 2).astype(np.int8), GREY, kind=SIGNED)),
        "32 bits": orders(Page(grey.astype(np.uint32) * 16843009, GREY, bits=32)),
        "colour of 32 bits": orders(Page(colour.astype(np.uint32) * 16843009, bits=32)),
        "Lab in planes": orders(Page(colour, LAB, planes=True)),
        "grey of 16 bits with alpha": orders(Page(with_alpha(deep(grey), 65535), GREY, 16, more={338: [2]})),
        "a film's pixels": orders(Page(deep(grey), 32844, bits=16)),
        "TIFF compressed as WebP": [tiff(Page(colour, more={259: [50001]}))],
        "TIFF compressed as JPEG XL": [tiff(Page(colour, more={259: [50002]}))],
        "JPEG of 12 bits": [frame(jpeg, 0xC1, bits=12), frame(jpeg, 0xC2, bits=12)],
        "lossless JPEG of 16 bits": [frame(jpeg, 0xC3, bits=16)],
        "hierarchical JPEG": [frame(jpeg, 0xC5)],
        "JPEG-LS": [frame(jpeg, 0xF7)],
        "BMP of 4 bits a colour": [bmp(bytes(SIDE * SIDE * 2), size, 16, 124, 3, (0xF00, 0xF0, 0xF, 0))],
        "BMP with a JPEG": [bmp(jpeg, size, 0, compression=4)],
        "BMP of 64 bits": [bmp(bytes(SIDE * SIDE * 8), size, 64)],
    }
    for name, data in photos.items():
        for result in results(*data):
            assert result["error"]["code"] == "unsupported_format", (name, result)


def test_a_picture_of_a_format_that_is_not_read_is_called_a_picture(results, colour):
    image = Image.fromarray(colour)
    photos = [
        *(picture(image, kind) for kind in ("PPM", "PCX", "SGI", "DDS", "ICO", "JPEG2000", "AVIF", "EPS")),
        b"\xff\x4f\xff\x51" + bytes(40),
        b"qoif" + bytes(40),
        b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01" + bytes(40),
    ]
    for result in results(*photos):
        assert result["error"]["code"] == "unsupported_format"


def test_a_jpeg_that_lacks_only_its_last_marker_is_read_and_one_that_lacks_more_is_not(
    results, colour, portrait
):
    image = Image.fromarray(colour)
    whole = [
        picture(image, quality=95),
        picture(image, quality=95, progressive=True),
        picture(image, quality=95, restart_marker_rows=1),
        picture(image.convert("CMYK"), quality=95),
        portrait.read_bytes(),
    ]
    for data in whole:
        assert data.endswith(b"\xff\xd9")
        full, *lacking = results(data, data[:-2], data[:-1])
        assert len(full["faces"]) == 1
        for result in lacking:
            assert result["faces"] == full["faces"]
        for result in results(*(data[:-cut] for cut in (40, 400, len(data) // 3))):
            assert result["error"]["code"] == "truncated"


def test_a_webp_that_ends_early_is_truncated(results, colour):
    data = picture(Image.fromarray(colour), "WEBP")
    for result in results(*(data[:-cut] for cut in (2, 10, 1000))):
        assert result["error"]["code"] == "truncated"


def test_a_tiff_that_ends_early_is_truncated_compressed_or_not(results, colour):
    image = Image.fromarray(colour)
    for data in (tiff(Page(colour)), picture(image, "TIFF", compression="tiff_lzw")):
        (result,) = results(data[:-3000])
        assert result["error"]["code"] == "truncated"
    # libtiff writes its tags at the end.
    at_the_end = tiff(Page(colour))
    (result,) = results(at_the_end[:4] + struct.pack("<I", len(at_the_end)) + at_the_end[8:])
    assert result["error"]["code"] == "truncated"
