"""The thresholds of the boards' verdicts: where they come from, and that no board has others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy

import pytest
from dev_tools import decompressed

from board_preview.scene_loading import CALIBRATION
from es_setup import models
from es_setup.shipped_files import shipped_model
from faces.calibration import board_verdicts
from faces.calibration.board_verdicts import NONE_IN_COMMON, SEVERAL, of_calibration, of_cluster
from faces.calibration.record import Calibration
from ingest_service.verdicts import UNCALIBRATED, Thresholds, shown
from kibana import build
from kibana.boards import EXPLORATION, PROBES, SEARCH
from kibana.lint import problems
from kibana.verdicts import NOT_CALIBRATED, Verdicts, not_calibrated, stated_by

# No bar of a distribution has a bound near these, except the thresholds themselves.
OTHERS = Verdicts(Thresholds(0.5934, 0.4521), "0.1 % false hits over 12,345 faces, calibrated 2026-11-25")
CONSOLE = re.compile(r"load_from=data:text/plain,([\w+$-]+)")


def changed(**fields: object) -> dict:
    return CALIBRATION.as_meta() | fields


def read(meta: dict) -> Verdicts:
    return of_calibration(Calibration.from_meta(meta, CALIBRATION.model))


def test_the_thresholds_of_a_calibration_are_its_similarity_and_where_the_logistic_map_says_one_half():
    found = read(changed(similarity=0.6731, logistic={"slope": 21.3, "offset": -9.8}))
    assert found.thresholds == Thresholds(strong=0.6731, possible=0.4601)
    for fact in ("0.6731", "0.4601", "1 %", "746", "2026-11-25"):
        assert fact in found.words


def test_possible_is_never_above_strong():
    found = read(changed(similarity=0.55, logistic={"slope": 10, "offset": -8}))
    assert found.thresholds == Thresholds(strong=0.55, possible=0.55)


@pytest.mark.parametrize(
    ("threshold", "text"),
    [(0.6, "0.60"), (0.46, "0.46"), (0.673, "0.673"), (0.6731, "0.6731"), (-0.1, "-0.10")],
)
def test_a_threshold_is_shown_with_the_decimals_that_it_needs(threshold, text):
    assert shown(threshold) == text


def test_a_request_gets_both_thresholds_even_if_one_equals_the_old_other():
    request = "strong from 0.60, possible from 0.46; not 0.600, 10.46 or 0.461"
    assert Verdicts(Thresholds(0.46, 0.4), "").in_request(request) == (
        "strong from 0.46, possible from 0.40; not 0.600, 10.46 or 0.461"
    )


def test_without_a_calibration_the_thresholds_are_not_calibrated(es, calibrate, monkeypatch):
    assert of_cluster(es) == NOT_CALIBRATED
    monkeypatch.setattr(board_verdicts, "ALIASES", ("not-installed-yet",))
    assert of_cluster(es) == NOT_CALIBRATED


def test_without_a_calibration_the_boards_have_the_thresholds_of_the_indices(es, calibrate):
    pair = {"strong": 0.7125, "possible": 0.3}
    for alias, thresholds in (("faces", pair), ("face-gallery", pair), ("face-probes", pair)):
        models.record(es, f"{alias}-000001", thresholds=thresholds)
    try:
        found = of_cluster(es)
        assert found == not_calibrated(Thresholds(0.7125, 0.3))
        assert found.words == "strong from 0.7125, possible from 0.30; not calibrated"
        models.record(
            es, "face-probes-000001", model="other-00000000", thresholds={"strong": 0.8, "possible": 0.2}
        )
        assert of_cluster(es) == not_calibrated(Thresholds(0.8, 0.3), SEVERAL)
    finally:
        for alias in ("faces", "face-gallery", "face-probes"):
            usual = {"strong": UNCALIBRATED.strong, "possible": UNCALIBRATED.possible}
            models.record(es, f"{alias}-000001", model=shipped_model(), thresholds=usual)


def test_a_calibration_that_all_indices_share_is_the_boards(es, calibrate):
    calibrate()
    assert of_cluster(es) == of_calibration(CALIBRATION)
    assert of_cluster(es).thresholds == Thresholds(0.5512, 0.5)


@pytest.mark.parametrize("model", [shipped_model(), None], ids=["its model", "no model recorded"])
def test_the_gallerys_calibration_alone_is_the_boards_too_as_identify_goes_by_it(es, calibrate, model):
    calibrate(aliases=("face-gallery",))
    for alias in ("faces", "face-probes"):
        (index,) = es.indices.get_mapping(index=alias)
        models.record(es, index, model=model)
    assert of_cluster(es) == of_calibration(CALIBRATION)


def test_a_calibration_isnt_the_boards_where_an_index_is_of_another_model(es, calibrate):
    calibrate(aliases=("face-gallery",))
    (index,) = es.indices.get_mapping(index="faces")
    models.record(es, index, model="another")
    assert of_cluster(es) == not_calibrated(UNCALIBRATED, NONE_IN_COMMON)


@pytest.mark.parametrize("other", [changed(similarity=0.7), "0.6"], ids=["differs", "can't be read"])
def test_indices_that_share_no_calibration_have_none_and_the_boards_say_why(es, calibrate, other):
    calibrate(aliases=("face-gallery",))
    calibrate(other, aliases=("face-probes",))
    assert of_cluster(es) == not_calibrated(UNCALIBRATED, NONE_IN_COMMON)


@pytest.mark.parametrize(
    "garbage",
    [
        "0.6",
        changed(similarity="high"),
        changed(similarity=1.2),
        changed(logistic={"slope": 0, "offset": -9}),
        changed(logistic={"slope": 21.3}),
        changed(fpir=None),
        changed(made="yesterday"),
    ],
    ids=str,
)
def test_a_calibration_that_cant_be_read_is_none(es, calibrate, garbage):
    calibrate(garbage)
    assert of_cluster(es) == not_calibrated(UNCALIBRATED, NONE_IN_COMMON)


def values(objects: list[dict]) -> dict[str, object]:
    """Path -> value, of everything in the objects."""
    return {
        path: value
        for one in objects
        for path, value in leaves(one["attributes"], f"{one['type']}:{one['id']}")
    }


def leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    """JSON in strings is parsed, and requests in links are decompressed."""
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            name = one.get("panelIndex") or one.get("name") or key if isinstance(one, dict) else key
            yield from leaves(one, f"{path}/{name}")
    elif isinstance(value, str) and re.match(r'\{"|\[[{"]', value):
        yield from leaves(json.loads(value), path)
    else:
        yield path, CONSOLE.sub("", value) if isinstance(value, str) else value
        for number, packed in enumerate(CONSOLE.findall(str(value))):
            yield f"{path}/request-{number}", decompressed(packed)


def uncalibrated(objects: list[dict]) -> set[str]:
    """The paths of values with an uncalibrated threshold, or with "not calibrated"."""
    old = re.compile(r"(?<![\d.])0\.(46|60?)(?!\d)|not calibrated")
    # The bars of the quality have every tenth as a bound, including 0.6.
    return {
        path for path, value in values(objects).items() if old.search(str(value)) and "/quality/" not in path
    }


def test_no_board_keeps_a_threshold_that_is_not_the_calibrations():
    found = uncalibrated(build.objects())
    for board in (SEARCH, PROBES, EXPLORATION):
        assert f"dashboard:{board}/description" in found
    assert any("/request-" in path for path in found), "requests have thresholds, too"
    assert uncalibrated(build.objects(OTHERS)) == set()


def test_calibrated_boards_differ_from_others_only_in_their_thresholds():
    ours, calibrated = values(build.objects()), values(build.objects(OTHERS))
    differ = {path for path in ours | calibrated if ours.get(path) != calibrated.get(path)}
    # Also the number of decimals, and the bars between the thresholds.
    assert {path for path in differ - uncalibrated(build.objects()) if "/similarity/" not in path} == {
        path for path in ours if path.endswith("/signals/places/value")
    }


def test_calibrated_boards_have_no_problem():
    others = (OTHERS.thresholds, Thresholds(0.55, 0.55), Thresholds(0.3, 0.1), Thresholds(0.97, 0.95))
    for thresholds in others:
        assert problems(build.content(Verdicts(thresholds, OTHERS.source))) == []


@pytest.mark.parametrize("shown_by", [NOT_CALIBRATED, OTHERS], ids=["not calibrated", "calibrated"])
def test_a_board_states_the_thresholds_that_it_was_built_with(shown_by):
    found = {one["id"]: verdicts for one in build.objects(shown_by) if (verdicts := stated_by(one))}
    assert found == dict.fromkeys((SEARCH, PROBES, EXPLORATION), shown_by)


@pytest.mark.parametrize("desk", [None, "https://desk.example/faces"])
def test_a_copy_is_built_again_with_the_thresholds_that_it_states_and_its_link_to_the_desk(desk):
    ours = {(one["type"], one["id"]): one for one in build.objects()}
    for copy in build.objects(OTHERS, desk):
        built = build.with_settings_of(ours[copy["type"], copy["id"]], deepcopy(copy))
        assert built == (copy if copy["type"] == "dashboard" else None)
