"""The report of an evaluation, of synthetic vectors and a few sample photos."""

from __future__ import annotations

import base64
import io
import re
import shutil
from dataclasses import replace
from datetime import datetime, timezone
from html.parser import HTMLParser

import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image

from evaluation.bars import Bar
from evaluation.engine_search import EngineResult
from evaluation.methods import Method, MethodVectors
from evaluation.original_query import answers
from evaluation.portraits import PortraitRates, portrait_rates
from evaluation.report.findings import Findings
from evaluation.report.page import page, write
from evaluation.results import MethodResult
from evaluation.task import Task
from evaluation.vgg_knn import KnnScore
from faces.error_rates.interval import Interval
from faces.error_rates.similarity import cosine, pair_scores
from faces.evaluating import pairs_of
from faces.labelled_photos import read

SECTIONS = [
    "Promises",
    "Methods side by side",
    "Several portraits of a person",
    "Errors at every threshold",
    "Similarities",
    "The report's query",
    "Worst mistakes",
    "No face found",
    "People",
    "How this was made",
]
ODD = "Ann <b>& |*Co*|"


def measured(name, vectors, task):
    """A method's result, and the similarities of its pairs."""
    embedded = MethodVectors(vectors, np.zeros(len(vectors), bool), seconds=len(vectors) / 12.5)
    method = Method(name, f"about {name}", lambda _: lambda _: None)
    scores = pair_scores(vectors, task.pairs.first, task.pairs.second, cosine)
    return MethodResult.of(task, method, embedded), scores


def drawn(task, noise, without_face=()):
    """(photos, 32) unit vectors about each person's centre."""
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(int(task.people.max()) + 1, 32))
    vectors = centres[task.people] + noise * rng.normal(size=(len(task.people), 32))
    vectors[list(without_face)] = np.nan
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def task(tmp_path, people):
    """Four people with three photos each, of whom one has an odd name, and twelve with one."""
    photos = [photo for named in people.values() for photo in named]
    names = [ODD, "Ben", "Cara", "Dan"] * 3 + [f"Unenrolled {number:02}" for number in range(12)]
    for number, (name, photo) in enumerate(zip(names, photos, strict=False)):
        folder = tmp_path / "labelled" / name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, folder / f"{number:02}.jpg")
    folder = read(tmp_path / "labelled")
    labels = folder.labels()
    everything = np.arange(len(labels))
    return Task(folder, labels, pairs_of(folder, None), everything, everything, sample=False)


@pytest.fixture
def report(task, portraits):
    """No face was found on the first photo; one method is unavailable."""
    vectors = drawn(task, 0.9, without_face=[0])
    ours, scores = measured("facenet", vectors, task)
    theirs, _ = measured("deepface", drawn(task, 1.4), task)
    return Findings(
        task=task,
        results=(theirs, ours, MethodResult("dlib", "about dlib", missing="its <weights> aren't here")),
        default="facenet",
        vectors=vectors,
        scores=scores,
        neighbours=(KnnScore(1, 1.0, 0.125), KnnScore(2, 0.75, None)),
        found=EngineResult(24, 1, 0.9, 0.8, 0.99, 1e-7),
        bars=(
            Bar("EER at most 2 %", 0.013, 0.02, True, Interval(0.011, 0.016)),
            Bar("rank 1", 0.5, 1.0, False),
        ),
        query=4,
        answers={"facenet": answers(vectors, task.people, 4), "report": ()},
        portraits={"facenet": portraits, "deepface": "not measured: nobody has six photos"},
        command="./run evaluate 'my photos' --out there",
        model_id="facenet-0123abc",
        versions={"numpy": "1.26.4", "Elasticsearch": "8.19.21"},
        made=datetime(2026, 11, 24, 23, 0, tzinfo=timezone.utc),
    )


@pytest.fixture(scope="module")
def portraits():
    """Of 25 people with 7 photos each, and 100 with one."""
    people = np.concatenate([np.repeat(np.arange(25), 7), np.arange(25, 125)])
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(125, 16))[people] + 0.9 * rng.normal(size=(len(people), 16))
    found = portrait_rates(vectors.astype(np.float32), people, draws=20)
    assert isinstance(found, PortraitRates)
    return found


class Tags(HTMLParser):
    """What is open, in order; every addressed thing; the text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.used, self.addresses, self.text = [], set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.used.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in ("meta", "img", "br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def pictures_of(text):
    return [
        Image.open(io.BytesIO(base64.b64decode(found)))
        for found in re.findall(r'src="data:image/\w+;base64,([^"]+)"', text)
    ]


def section_of(text, title):
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_html_is_one_file_that_needs_nothing_else(report):
    text = page(report).html()
    tags = Tags(text)
    assert tags.open == []
    assert all(address.startswith("data:image/") for address in tags.addresses)
    assert not tags.used & {"script", "link", "iframe", "object"}
    without_pictures = re.sub(r'src="data:[^"]*"', "", text)
    assert not re.search(r"https?:|//|@import|url\(", without_pictures)


def contrast(one, other):
    """WCAG 2's, of two colours in hexadecimal."""
    lights = []
    for colour in (one, other):
        digits = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
        shares = np.frombuffer(bytes.fromhex(digits), dtype=np.uint8) / 255
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        lights.append(linear @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(lights) / min(lights)


def test_text_can_be_read_in_light_and_in_dark(report):
    style = re.search(r"<style>(.*?)</style>", page(report).html(), re.DOTALL)[1]
    light, dark = (
        dict(re.findall(r"--(\w+): #(\w+);", part)) for part in style.split("(prefers-color-scheme: dark)")
    )
    assert light.keys() == dark.keys() >= {"page", "ink", "soft", "panel"}
    assert set(re.findall(r"var\(--(\w+)\)", style)) == set(light)
    assert contrast("000", light["page"]) > contrast("000", dark["page"])
    for palette in (light, dark):
        assert contrast(palette["ink"], palette["page"]) >= 7
        assert contrast(palette["soft"], palette["page"]) >= 4.5
        assert contrast(palette["soft"], palette["panel"]) >= 4.5


def test_several_portraits_have_a_row_for_each_number_and_way_or_a_reason(report):
    section = section_of(page(report).markdown("pictures"), "Several portraits of a person")
    assert "25 people enrolled" in section
    assert len([line for line in section.splitlines() if re.match(r"\| (1|2|5|1 to 5) ", line)]) == 8
    assert "Not measured: nobody has six photos." in section


def test_what_is_in_sample_says_so(report):
    markdown = page(report).markdown("pictures")
    assert "five people" not in markdown
    for title in ("Methods side by side", "Similarities"):
        assert "in-sample" in section_of(markdown, title)
    sample = page(replace(report, task=replace(report.task, sample=True))).markdown("pictures")
    assert "In-sample: " in sample.split("\n## ")[0]


def test_every_section_is_there_in_both(report):
    made = page(report)
    assert re.findall(r"<h2>(.*)</h2>", made.html()) == [title.replace("'", "&#x27;") for title in SECTIONS]
    assert re.findall(r"^## (.*)$", made.markdown("pictures"), re.MULTILINE) == SECTIONS


def test_numbers_command_versions_and_model_are_said(report):
    made = page(report)
    html_text = "".join(Tags(made.html()).text)
    for text in (html_text, made.markdown("pictures")):
        for said in (
            "2 promises, 1 not kept",
            "NOT KEPT",
            "0.0130 (0.0110, 0.0160)",
            "99.98 % at k = 1",
            "VGG-16 + KNN, k = 2",
            "about deepface",
            "./run evaluate 'my photos' --out there",
            "facenet-0123abc",
            "1.26.4",
            "8.19.21",
            "2026-11-24T23:00",
            "found no face on 1 of 24 photos",
        ):
            assert said in text
    eer = report.results[1].rates.verification.eer
    assert f"{100 * eer:.2f}" in html_text


def test_an_unavailable_method_says_why(report):
    made = page(report)
    assert made.html().count("its &lt;weights&gt; aren&#x27;t here") == 2
    assert made.markdown("pictures").count("its &lt;weights&gt; aren't here") == 2


def test_names_are_text_and_no_markup(report):
    text = page(report).html()
    tags = Tags(text)
    assert "Ann &lt;b&gt;&amp; |*Co*|" in text
    assert "<b>&" not in text
    assert any(ODD in data for data in tags.text)
    markdown = page(report).markdown("pictures")
    assert "<b>" not in markdown
    assert "Ann &lt;b&gt;&amp; \\|\\*Co\\*\\|" in markdown


def test_tables_in_markdown_keep_their_columns_whatever_a_name_holds(report):
    rendered = MarkdownIt("commonmark").enable("table").render(page(report).markdown("pictures"))
    people = rendered.split("<h2>People</h2>")[1].split("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", people, re.DOTALL)
    assert len(rows) == 1 + 16
    assert {len(re.findall(r"<t[hd]", row)) for row in rows} == {7}
    assert "<td>Ann &lt;b&gt;&amp; |*Co*|</td>" in people


def test_photos_are_small_and_tell_nothing_but_pixels(report):
    pictures = [picture for picture in pictures_of(page(report).html()) if picture.format == "JPEG"]
    assert len(pictures) > 20
    assert all(max(picture.size) <= 160 and not picture.getexif() for picture in pictures)


def test_files_are_written_in_the_folder_and_nowhere_else(report, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    out = tmp_path / "new" / "out"
    write(report, out)
    assert sorted(path for path in tmp_path.rglob("*") if out not in path.parents) == sorted(
        [*before, out.parent, out]
    )
    assert {path.name for path in out.iterdir()} == {"report.html", "report.md", "report-pictures"}
    linked = set(re.findall(r"\]\((report-pictures/[^)]+)\)", (out / "report.md").read_text()))
    assert linked == {f"report-pictures/{path.name}" for path in (out / "report-pictures").iterdir()}


def test_photos_stay_no_longer_than_their_page(report, tmp_path):
    pictures = tmp_path / "report-pictures"
    pictures.mkdir()
    for name in ("photo-99999.jpg", "mine.txt"):
        (pictures / name).write_text("of a person who isn't shown any more")
    write(report, tmp_path)
    assert not (pictures / "photo-99999.jpg").exists()
    assert (pictures / "mine.txt").exists()


def test_a_photo_without_a_face_is_shown_and_an_unreadable_one_is_named(report):
    failed = section_of(page(report).markdown("pictures"), "No face found")
    assert "(pictures/photo-0.jpg)" in failed
    report.task.folder.photos[0].write_bytes(b"no photo")
    assert "can't be read" in section_of(page(report).markdown("pictures"), "No face found")
    assert "<span>can't be read</span>" in page(report).html()


def test_the_query_finds_itself_first_beside_the_reports_scores(report):
    query = section_of(page(report).markdown("pictures"), "The report's query")
    name = report.task.name(4)
    header, _, *rows = [line.split(" | ") for line in query.splitlines() if line.count("|") == 5]
    assert header == ["| ", "method facenet", "method report", "in the report itself |"]
    assert rows[0] == ["| the photo itself", f"1.000<br>{name}", "-", "1 |"]
    assert rows[1][0] == "| the same person, most similar"
    assert rows[1][3] == "0.09 |"


def test_the_reports_baseline_has_its_rows_or_says_why_not(report):
    methods = section_of(page(report).markdown("pictures"), "Methods side by side")
    assert "| VGG-16 + KNN, k = 1 | 100.00 | 12.50 |" in methods
    assert "| VGG-16 + KNN, k = 2 | 75.00 | - |" in methods
    assert "in-sample" in methods
    missing = page(replace(report, neighbours="its weights <aren't> here"))
    assert "| VGG-16 + KNN | its weights &lt;aren't&gt; here |" in missing.markdown("pictures")
    assert "its weights &lt;aren&#x27;t&gt; here" in missing.html()


def test_a_query_without_a_face_is_said(report):
    query = section_of(page(replace(report, query=0)).markdown("pictures"), "The report's query")
    assert "No face was found" in query


def test_a_folder_without_promises_and_unenrolled_people_has_a_report(report):
    task = report.task
    several = np.flatnonzero(task.people < 4)
    folder = replace(
        task.folder,
        photos=tuple(task.folder.photos[photo] for photo in several),
        people=tuple(task.folder.people[photo] for photo in several),
    )
    people = task.people[several]
    fewer = replace(task, folder=folder, people=people, pairs=pairs_of(folder, None))
    result, scores = measured("facenet", report.vectors[several], fewer)
    vectors = report.vectors[several]
    answered = {"facenet": answers(vectors, people, 4)}
    small = replace(
        report, task=fewer, results=(result,), vectors=vectors, scores=scores, bars=(), answers=answered
    )
    text = page(small).markdown("pictures")
    assert "None: promises" in text
    assert "det-searches" not in text
    assert "det-pairs" in text


def test_methods_without_any_error_are_drawn_too(report):
    result, scores = measured("facenet", drawn(report.task, 0.01), report.task)
    assert result.rates.verification.eer == 0
    perfect = replace(report, results=(result,), vectors=drawn(report.task, 0.01), scores=scores)
    text = page(perfect).markdown("pictures")
    assert "found a face on every photo" in text
    assert re.search(r"\b0 pairs of one person .*\b0 pairs of two people", text)
