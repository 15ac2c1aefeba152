"""A face cut out by its landmarks: they come to lie where the network's training had them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ingest_service.detection import LANDMARKS, Detection
from ingest_service.detection.scaling import LONGEST_WARPED
from ingest_service.five_points import DLIB_CHIP, INSIGHTFACE, align_by_points

TEMPLATES = [INSIGHTFACE, DLIB_CHIP]
COLOURS = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 0], [0, 250, 250]], dtype=np.uint8)


def moved(points: np.ndarray, degrees: float, scale: float, to: tuple[float, float]) -> np.ndarray:
    """Turned clockwise, scaled, and with their mean at ``to``."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points - points.mean(axis=0)) @ turn.T * scale + to


def drawn(landmarks: np.ndarray, radius: int, size: tuple[int, int]) -> np.ndarray:
    """A disc of its own colour at each landmark, on grey."""
    pixels = np.full((size[1], size[0], 3), 90, dtype=np.uint8)
    for centre, colour in zip(landmarks, COLOURS, strict=True):
        # OpenCV counts whole pixels, their centres at whole numbers.
        cv2.circle(pixels, np.rint(centre - 0.5).astype(int).tolist(), radius, colour.tolist(), -1)
    return pixels


def found(aligned: np.ndarray, radius: int = 3) -> np.ndarray:
    """Where each colour's disc is: (5, 2), nan for a colour that isn't there."""
    places = []
    for colour in COLOURS:
        near = np.abs(aligned.astype(int) - colour.astype(int)).max(axis=2) < 60
        rows, columns = np.nonzero(near)
        places.append([columns.mean(), rows.mean()] if len(rows) >= radius else [np.nan, np.nan])
    return np.array(places)


def face_of(landmarks: np.ndarray, box: tuple[float, float, float, float] | None = None) -> Detection:
    low, high = np.nanmin(landmarks, axis=0), np.nanmax(landmarks, axis=0)
    size = (high - low) * 2
    corner = (low + high) / 2 - size / 2
    return Detection(box or (*corner.tolist(), *size.tolist()), 0.9, landmarks.astype(np.float32))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: str(one.size))
@pytest.mark.parametrize("degrees", [0, 25, -70, 90, 180])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0, 20.0])
def test_the_landmarks_come_to_lie_on_the_template_however_the_face_stands(template, degrees, scale):
    points = np.array(template.points)
    side = int(template.size * scale * 1.6)
    landmarks = moved(points, degrees, scale, (side / 2, side / 2))
    pixels = drawn(landmarks, max(2, round(5 * scale)), (side, side))
    aligned = align_by_points(pixels, face_of(landmarks), template)
    assert aligned.shape == (template.size, template.size, 3)
    assert aligned.dtype == np.uint8
    assert np.abs(found(aligned) - points).max() < (1 if scale >= 1 else 1.5)


def test_landmarks_that_do_not_fit_are_met_as_nearly_as_can_be():
    """By least squares: no small turn, move or change of scale brings them closer."""
    points = np.array(INSIGHTFACE.points)
    landmarks = moved(points, 10, 2, (200, 200)) + np.random.default_rng(3).normal(0, 6, (5, 2))
    aligned = align_by_points(drawn(landmarks, 10, (400, 400)), face_of(landmarks), INSIGHTFACE)
    places = found(aligned)
    away = ((places - points) ** 2).sum()
    assert away > 10
    for degrees, scale, to in (
        (2, 1, (0, 0)),
        (-2, 1, (0, 0)),
        (0, 1.04, (0, 0)),
        (0, 0.96, (0, 0)),
        (0, 1, (1, 1)),
    ):
        other = moved(places, degrees, scale, tuple(places.mean(axis=0) + to))
        assert ((other - points) ** 2).sum() > away - 2


@pytest.mark.parametrize(
    "known", [("left_eye", "right_eye"), ("left_eye", "right_eye", "nose"), ("nose", "mouth_left")]
)
def test_landmarks_that_are_unknown_are_left_out(known):
    points = np.array(INSIGHTFACE.points)
    landmarks = moved(points, 30, 2, (200, 200))
    pixels = drawn(landmarks, 10, (400, 400))
    unknown = [name not in known for name in LANDMARKS]
    landmarks[unknown] = np.nan
    aligned = align_by_points(pixels, face_of(landmarks, (80, 60, 240, 280)), INSIGHTFACE)
    assert np.abs(found(aligned) - points).max() < 1


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: str(one.size))
@pytest.mark.parametrize("landmarks", ["none", "one", "in one place"])
def test_without_two_landmarks_the_box_is_laid_on_the_templates_upright(template, landmarks):
    x, y, width, height = template.box
    points = np.array(template.points)
    pixels = drawn(points * 2 + 60, 8, (500, 500))
    marks = np.full((5, 2), np.nan)
    if landmarks == "one":
        marks[2] = [150, 150]
    elif landmarks == "in one place":
        marks[:] = [150, 150]
    box = (2 * x + 60, 2 * y + 60, 2 * width, 2 * height)
    aligned = align_by_points(pixels, Detection(box, 0.9, marks.astype(np.float32)), template)
    assert np.abs(found(aligned) - points).max() < 1.5


def test_a_large_face_is_shrunk_by_areas_so_that_every_pixel_counts():
    """Stripes of one pixel become grey; interpolation alone would show some of them."""
    points = np.array(INSIGHTFACE.points)
    landmarks = moved(points, 0, 12, (750, 750))
    pixels = np.zeros((1500, 1500, 3), dtype=np.uint8)
    pixels[:, ::2] = 255
    aligned = align_by_points(pixels, face_of(landmarks), INSIGHTFACE)
    assert aligned[20:-20, 20:-20].std() < 12
    assert abs(aligned[20:-20, 20:-20].mean() - 127.5) < 4


def test_what_lies_outside_of_the_photo_is_black_and_a_face_at_its_edge_does_no_harm():
    points = np.array(INSIGHTFACE.points)
    pixels = np.full((200, 200, 3), 255, dtype=np.uint8)
    aligned = align_by_points(pixels, face_of(moved(points, 0, 1, (0, 100))), INSIGHTFACE)
    assert (aligned[40:70, :40] == 0).all()
    assert (aligned[40:70, 70:] > 250).all()
    away = align_by_points(pixels, face_of(moved(points, 0, 1, (900, 900))), INSIGHTFACE)
    assert away.shape == (112, 112, 3)


def test_a_photo_longer_than_opencv_can_warp_is_cut_first():
    points = np.array(INSIGHTFACE.points)
    side = LONGEST_WARPED + 3000
    landmarks = moved(points, 0, 2, (side - 200, 150))
    pixels = drawn(landmarks, 10, (side, 300))
    aligned = align_by_points(pixels, face_of(landmarks), INSIGHTFACE)
    assert np.abs(found(aligned) - points).max() < 1


def test_a_face_as_large_as_a_photo_longer_than_opencv_can_warp():
    points = np.array(INSIGHTFACE.points)
    side = LONGEST_WARPED + 2000
    pixels = np.full((60, side, 3), 200, dtype=np.uint8)
    aligned = align_by_points(pixels, face_of(moved(points, 0, side / 112, (side / 2, 30))), INSIGHTFACE)
    assert aligned[70:74, 20:90].max() > 20
