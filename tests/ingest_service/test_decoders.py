"""What decodes strangers' photos: static refusals, bounds that real photos keep, and fair lanes."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import hostile_photos as hostile
import numpy as np
import pytest
from PIL import Image
from rare_pictures import RGB, Page, tiff
from tools import picture, wait_until

from ingest_service import costs, jpeg
from ingest_service.decoders import processes
from ingest_service.decoders.lanes import Cancelled, Lane, Lanes, Request
from ingest_service.decoders.pool import DecoderPool
from ingest_service.decoding import decode
from ingest_service.errors import FaceServiceError
from ingest_service.photo_queue import SlowLimit
from ingest_service.settings import Settings
from ingest_service.telemetry import Metrics


@pytest.fixture(scope="module")
def pool() -> DecoderPool:
    return DecoderPool(processes.of_this_process(), Settings(workers=2), Metrics())


def noise(side: int) -> Image.Image:
    """What costs decoders most."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (side, side, 3), dtype=np.uint8))


COSTLY = {
    "progressive JPEG": lambda: picture(noise(2_000), progressive=True, subsampling=0, quality=60),
    "progressive CMYK": lambda: picture(noise(2_000).convert("CMYK"), progressive=True, quality=50),
    "turned JPEG": lambda: picture(noise(2_500), exif=turned(), quality=50),
    "PNG with transparency": lambda: picture(
        half_clear(noise(1_800)), "PNG", compress_level=1, exif=turned()
    ),
    "animated WebP": lambda: picture(
        noise(2_000), "WEBP", save_all=True, append_images=[noise(2_000)], quality=60, method=0
    ),
    "HEIC": lambda: picture(half_clear(noise(700)), "HEIF", quality=20),
    "TIFF in CMYK": lambda: picture(noise(1_800).convert("CMYK"), "TIFF"),
    "TIFF of 16 bits in planes": lambda: tiff(
        Page(np.asarray(noise(1_500)).astype(np.uint16) * 257, RGB, 16, planes=True)
    ),
}
"""Kinds of real photos that take most time or memory for each of their bytes or pixels."""


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def half_clear(image: Image.Image) -> Image.Image:
    layer = image.convert("RGBA")
    layer.putalpha(image.getchannel("R"))
    return layer


@pytest.mark.slow
@pytest.mark.parametrize("kind", COSTLY)
def test_real_photos_keep_the_bounds_and_have_the_pixels_that_they_have_without_them(pool, kind):
    data, limits = COSTLY[kind](), Settings()
    assert len(data) <= limits.max_bytes
    with pool.photo(data, Request()) as decoded:
        photo = decoded(None)
        expected = decode(data, limits.max_bytes, limits.pixel_limit)
        assert photo.sha256 == expected.sha256
        assert photo.mime_type == expected.mime_type
        assert np.array_equal(photo.pixels, expected.pixels)


BOMBS = {
    "a million chunks": (lambda: hostile.chunks(1_000_000), {"too_costly", "photo"}),
    "a strip of a gigabyte": (lambda: hostile.one_strip(15_000_000), {"photo"}),
    "a large JPEG in a small TIFF": (lambda: hostile.jpeg_in_tiff(4_000), {"damaged"}),
    "a HEIC that is smaller than it says": (
        lambda: hostile.false_ispe((256, 256), (7_000, 7_000)),
        {"damaged"},
    ),
    "a BMP's leap of 255 rows": (hostile.bmp_delta, {"too_costly", "damaged", "photo"}),
    "5,000 pages": (lambda: hostile.pages(5_000), {"photo"}),
    "a page that comes after itself": (hostile.endless_pages, {"photo"}),
    "a tag of millions of numbers": (lambda: hostile.many_values(5_000_000), {"photo"}),
    "a row of 3 million pixels": (lambda: hostile.wide(3_000_000, 16), {"photo"}),
}
"""What makes the photo, and what becomes of it, within its bounds."""


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_what_a_format_hides_costs_no_more_than_its_header_allows(pool, name):
    make, expected = BOMBS[name]
    try:
        with pool.photo(make(), Request()) as decoded:
            decoded(None)
            outcome = "photo"
    except FaceServiceError as error:
        outcome = error.code
    assert outcome in expected


def test_scans_are_counted_before_a_pixel_is_decoded():
    jpeg.require_affordable(hostile.scans(64, 64, costs.MAX_SCANS - 10))
    with pytest.raises(FaceServiceError) as refused:
        jpeg.require_affordable(hostile.scans(64, 64, costs.MAX_SCANS + 1))
    assert refused.value.code == "too_costly"


def test_scans_are_counted_behind_fill_bytes_and_not_in_thumbnails_or_after_the_end():
    many = hostile.scans(64, 64, costs.MAX_SCANS + 1)
    with pytest.raises(FaceServiceError):
        jpeg.require_affordable(many.replace(hostile.SCAN, b"\xff\xff\xff\xda"))
    plain = hostile.scans(64, 64, 0)
    jpeg.require_affordable(plain + 1_000 * hostile.SCAN)
    thumbnail = 1_000 * hostile.SCAN
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    jpeg.require_affordable(plain[:2] + segment + plain[2:])


def test_a_tile_that_is_much_larger_than_its_picture_is_refused():
    with pytest.raises(FaceServiceError) as refused:
        decode(hostile.one_tile(4_000), 10**8, 10**8)
    assert refused.value.code == "too_many_pixels"


def test_a_tile_whose_size_pillow_does_not_see_is_refused():
    with pytest.raises(FaceServiceError) as refused:
        decode(hostile.hidden_tile(4_000), 10**8, 10**8)
    assert refused.value.code == "damaged"


def test_a_small_picture_in_a_usual_tile_is_read():
    assert decode(hostile.one_tile(512), 10**8, 10**8).pixels.shape == (64, 64, 3)


def test_a_photo_of_any_length_is_decoded_in_bands():
    for size in ((700_000, 3), (3, 700_000)):
        image = Image.effect_noise(size, 60)
        photo = decode(picture(image, "PNG"), 10**8, 10**8)
        assert np.array_equal(photo.pixels, np.asarray(image.convert("RGB")))


def test_in_a_lane_requests_that_used_up_less_decoding_come_first():
    lanes = Lanes(1, memory=1)
    heavy, light = Request(), Request()
    heavy.seconds = 2.0
    first = lanes.enter(Request())
    order = []
    with ThreadPoolExecutor(3) as threads:
        for number, request in enumerate((heavy, light, light)):
            threads.submit(pass_through, lanes, request, order, number)
            wait_until(lambda expected=number + 1: len(lanes._waiting) == expected)
        lanes.leave(first)
    assert order == [1, 2, 0]


def pass_through(lanes: Lanes, request: Request, order: list[int], number: int) -> None:
    turn = lanes.enter(request)
    order.append(number)
    lanes.leave(turn)


def test_the_slow_lane_has_as_many_places_as_the_fast_one_and_a_bound_on_memory():
    lanes = Lanes(2, memory=100)
    turns = [lanes.enter(Request()) for _ in range(2)]
    assert lanes.to_slow(turns[0], 1_000)  # a single one may need more
    assert not lanes.to_slow(turns[1], 1)
    lanes.leave(turns[0])
    assert lanes.to_slow(turns[1], 60)
    more = [lanes.enter(Request()) for _ in range(2)]
    assert not lanes.to_slow(more[0], 60)
    assert lanes.to_slow(more[0], 40)
    assert not lanes.to_slow(more[1], 0)
    assert [turn.lane for turn in (turns[1], *more)] == [Lane.SLOW, Lane.SLOW, Lane.FAST]


def test_who_waits_when_its_request_ends_is_told_and_takes_no_place():
    lanes = Lanes(1, memory=1)
    first, request = lanes.enter(Request()), Request()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(lanes.enter, request)
        wait_until(lambda: lanes._waiting)
        request.end()
        with pytest.raises(Cancelled):
            waiting.result(10)
    with pytest.raises(Cancelled):
        lanes.enter(request)
    lanes.leave(first)
    lanes.leave(lanes.enter(Request()))


def test_a_photo_that_is_being_decoded_stops_with_its_request(pool):
    request, failed = Request(), threading.Event()

    def decode_it() -> None:
        with pytest.raises(Cancelled), pool.photo(hostile.scans(7_000, 7_000, 85), request) as decoded:
            decoded(None)
        failed.set()

    thread = threading.Thread(target=decode_it)
    thread.start()
    wait_until(lambda: request._at_the_end)
    request.end()
    assert failed.wait(10)
    thread.join()


def test_a_request_alone_may_have_more_slow_photos_than_the_limit():
    limit = SlowLimit(2, "too many")
    for own in range(5):
        limit.claim(own)
    with pytest.raises(FaceServiceError) as refused:
        limit.claim(0)
    assert refused.value.code == "overloaded"
    limit.release(4)
    limit.claim(0)


def test_bytes_that_are_no_text_and_text_that_is_no_bytes_are_a_photos_error(pool):
    for sent, code in (
        (None, "not_base64"),
        (7, "not_base64"),
        ("\ud800", "not_base64"),
        (b"", "not_an_image"),
    ):
        with pytest.raises(FaceServiceError) as refused, pool.photo(sent, Request()) as decoded:
            decoded(None)
        assert refused.value.code == code


def test_pictures_that_are_written_by_pillow_itself_are_read_in_every_mode(pool):
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        buffer = io.BytesIO()
        Image.new(mode, (40, 30)).save(buffer, "PNG")
        with pool.photo(buffer.getvalue(), Request()) as decoded:
            assert decoded(None).pixels.shape == (30, 40, 3)
