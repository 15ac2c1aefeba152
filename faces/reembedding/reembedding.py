"""Re-embeds in steps, each of which can be killed: run again, it goes on where it stood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from es_setup.connection import Service
from es_setup.install import InstallStep, has_plugin
from es_setup.thresholds import from_meta
from faces.decisions.changing import Changed
from faces.decisions.documents import Key
from faces.identifying.identifier import OtherGallery, lookup_of
from faces.identifying.stored import GUESSES, identify_stored
from faces.pages import count_of
from faces.reembedding import moving, new_indices, serving
from faces.reembedding.copying import Copied, Copier
from faces.reembedding.embedding import CROP, Embedder
from faces.reembedding.photo_sources import PhotoSources
from faces.reembedding.run import Move, Run, RunRecord
from faces.reembedding.sampling import Sample, sample
from faces.refusals import pixel
from faces.searchable import NoFaces, searchable
from faces.writable import require_writable
from ingest_service.errors import UserError

Result = Copied | Changed | Sample | InstallStep
ROUNDS = 10
"""Before the move. A round that finds few changes is the last: those after it are copied after the move."""
FEW = 20


class NotGood(UserError):
    """The new indices shouldn't take the old ones' place; the message says why, and what to do."""


@dataclass
class Reembedding:
    """One run.

    service: that serves the run's model; None to take a run back without one.
    progress: documents by outcome, vectors by source, `caught_up` and `deleted`.
    failed: documents that aren't in the new index; without: those of which a face has no vector, by index and
        id.
    notes: what somebody should know.
    """

    es: Elasticsearch
    record: RunRecord
    run: Run
    service: Service | None
    sources: PhotoSources = field(default_factory=PhotoSources)
    progress: Counter[str] = field(default_factory=Counter)
    failed: dict[Key, Copied] = field(default_factory=dict)
    without: dict[Key, Copied] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._has_plugin = has_plugin(self.es)
        self._model: dict[str, Any] = {"id": self.run.model, "digest": None, "precision": None}
        self._embedder: Embedder | None = None
        if self.service:
            answer = self.service.everything(pixel(), self.run.model)
            self._model = {name: answer["model"].get(name) for name in self._model}
            self._embedder = Embedder(self.service, self.run.model, self.sources)

    def steps(self, force: bool = False) -> Iterator[tuple[str, Iterable[Result]]]:
        """What is left to do: each step with its results, which are to be read before the next one.

        Args:
            force: as `require_good`.
        """
        if not self.is_moved:
            self.prepare()
            yield "embedding", self.copy()
            yield "identifying", self.identify()
            yield "catching up", self.catch_up()
            if not self.run.back:
                yield "sampling", self.sample()
            self.require_good(force)
            yield "catching up", self.catch_up()
        self.move()
        yield "settling", self.settle()

    def prepare(self) -> None:
        """Lets Elasticsearch ask the service, and creates the new indices. Nobody meets them yet."""
        if self._has_plugin and self.service:
            serving.open_endpoint(self.es, self.run)
        if self._has_plugin and not self.run.back:
            self.run.before = serving.persistent_urls(self.es)
        self.record.keep(self.run)
        for move in self.run.moves:
            copies = move.pipeline
            if move.pipeline and self._has_plugin:
                copies = serving.copy_pipelines(self.es, move.pipeline, self.run)
            if not self.es.indices.exists(index=move.target):
                body = new_indices.body_of(
                    self.es, move.source, self.run.model, self.run.dims, self.run.thresholds, copies
                )
                new_indices.create(self.es, move.target, body)
                continue
            if not self.run.back:
                new_indices.require_ours(self.es, move.target, move.source)
            moving.open_to_writing(self.es, move.target)
            if copies:
                pipeline = {new_indices.DEFAULT_PIPELINE: copies}
                self.es.indices.put_settings(index=move.target, settings=pipeline)

    def documents(self) -> int:
        return sum(count_of(self.es, move.source, {"match_all": {}}) for move in self.run.moves)

    def copy(self) -> Iterator[Copied]:
        """Every document that isn't copied yet. What is no more goes before faces are identified, so that
        nobody is guessed who isn't in the gallery any more."""
        for move in self.run.moves:
            yield from self._round(move)
        self._sweep(moved=False)

    def catch_up(self) -> Iterator[Copied]:
        """What arrived, changed or was deleted meanwhile, until little is left."""
        for _ in range(ROUNDS):
            found = 0
            for move in self.run.moves:
                for one in self._round(move, late=True):
                    found += one.outcome == "copied"
                    yield one
            if found <= FEW:
                break
        self._sweep(moved=False)

    def identify(self) -> Iterator[Changed]:
        """Guesses are made anew, by the new model; also where an earlier copy alone still has some."""
        targets = dict(zip(self.run.sources, self.run.targets, strict=True))
        for move in self.run.moves:
            if not any(self._has_guesses(index) for index in (move.source, move.target)):
                continue
            try:
                lookup = lookup_of(self.es, searchable(self.es, move.source))
                galleries = moving.behind(self.es, lookup.gallery)
                lookup = lookup_of(
                    self.es,
                    searchable(self.es, move.source),
                    ",".join(targets.get(gallery, gallery) for gallery in galleries),
                )
                yield from identify_stored(self.es, searchable(self.es, move.target), lookup)
            except (OtherGallery, NoFaces, NotFoundError) as error:
                self.notes.append(f"the guesses of [{move.source}] are left out: {error}")

    def sample(self) -> Iterator[Sample]:
        """Compares each index with the one that takes its place."""
        self.samples = []
        for move in self.run.moves:
            self.samples.append(sample(self.es, move))
            self.record.renew(self.run)
            yield self.samples[-1]

    def require_good(self, force: bool = False) -> None:
        """
        Args:
            force: whatever the sample shows, and whether every face has a vector.

        Raises:
            NotGood: nothing was moved.
        """
        if self.failed:
            raise NotGood(
                f"{len(self.failed)} documents aren't in the new indices, so nothing was moved: see why "
                "above, and run this again"
            )
        problems = [problem for one in self.samples for problem in one.problems]
        lacking = sum(self._lacking(move) for move in self.run.moves)
        if lacking:
            problems.append(
                f"{lacking} documents have a face without a vector, as neither photo nor crop could be had: "
                "name where the photos are by --photos or --url-prefix"
            )
        if problems and not force:
            listed = "\n".join(problems)
            raise NotGood(f"nothing was moved:\n{listed}\n--force moves all the same; --rollback gives up")

    def move(self) -> None:
        """The aliases move in one request; then Elasticsearch asks the new model's service.

        Raises:
            NotWritable, Overtaken, NotMoved: nothing was moved.
        """
        if not self.is_moved:
            require_writable(self.es, self.run.targets)
            self.record.keep(self.run)
            for move in self.run.moves:
                if move.aside:
                    self._free_name(move)
            moving.move_aliases(self.es, self.run)
        if self._has_plugin and serving.takes_default(self.run):
            urls = self.run.before if self.run.back else [self.run.url]
            serving.set_urls(self.es, serving.DEFAULT, urls)
        for move in self.run.moves:
            if move.aside:
                move.source, move.aside, move.is_frozen = move.aside, None, True
        self.run.state = "moved"
        self.record.keep(self.run)

    def settle(self) -> Iterator[Result]:
        """What reached the old indices at the last moment is copied, and they are closed to writing;
        pipelines and templates get the new model."""
        for move in self.run.moves:
            moving.close_to_writing(self.es, move.source)
            if not move.is_frozen:
                yield from self._round(move, late=True, moved=True)
        self._sweep(moved=True)
        if self._has_plugin:
            yield from serving.put_pipelines_back(self.es, self.run, from_meta(self.run.thresholds))
        if self.progress["caught_up"] or self.progress["deleted"]:
            yield from self.identify()
        self.run.state = "settled"
        self.record.keep(self.run)

    def _free_name(self, move: Move) -> None:
        """Of an index that is addressed by its own name: for a moment nobody can write into it."""
        moving.close_to_writing(self.es, move.source)
        for _ in self._round(move, late=True):
            pass
        self._sweep(moved=False)
        moving.set_aside(self.es, move)

    def _round(self, move: Move, late: bool = False, moved: bool = False) -> Iterator[Copied]:
        if not self.es.indices.exists(index=move.source):
            return
        copier = Copier(self.es, move, self._embedder, self._model, moved)
        for one in copier.round():
            if one.outcome != "unchanged" or not late:
                self._count(move, one, late)
            self.record.renew(self.run)
            yield one
        self.record.keep(self.run)

    def _count(self, move: Move, one: Copied, late: bool) -> None:
        self.progress["caught_up" if late and one.outcome == "copied" else one.outcome] += 1
        self.progress.update({f"from_{source}": count for source, count in one.sources.items()})
        key = (move.source, one.id)
        self.failed.pop(key, None)
        if one.outcome == "failed":
            self.failed[key] = one
        if one.without:
            self.without[key] = one

    def _sweep(self, moved: bool) -> None:
        for move in self.run.moves:
            if moved and move.is_frozen:
                continue
            if self.es.indices.exists(index=move.source):
                copier = Copier(self.es, move, self._embedder, self._model, moved)
                self.progress["deleted"] += copier.sweep()
            self.record.renew(self.run)

    @property
    def is_moved(self) -> bool:
        """Whether the names lead to the new indices already; then only `move` and `settle` are left."""
        return self.run.state != "copying" or moving.has_moved(self.es, self.run)

    def _has_guesses(self, index: str) -> bool:
        """Whether an index has any, as probes have."""
        self.es.indices.refresh(index=index)
        for kind in searchable(self.es, index).fields:
            if kind.nested:
                each = [{"exists": {"field": kind.at(f"faces.{name}")}} for name in GUESSES]
                query = {"nested": {"path": kind.at("faces"), "query": {"bool": {"should": each}}}}
                if count_of(self.es, index, query):
                    return True
        return False

    def _lacking(self, move: Move) -> int:
        """How many documents have a face that has lost its vector."""
        after, before = (_without_vector(self.es, index) for index in (move.target, move.source))
        return max(0, after - before)

    def from_crops(self) -> int:
        """How many documents have a vector from a stored crop."""
        found = 0
        for move in self.run.moves:
            self.es.indices.refresh(index=move.target)
            for kind in searchable(self.es, move.target).fields:
                found += count_of(self.es, move.target, {"term": {kind.at("model.source"): CROP}})
        return found


def _without_vector(es: Elasticsearch, index: str) -> int:
    """How many documents of an index have a face that has none."""
    es.indices.refresh(index=index)
    found = 0
    for kind in searchable(es, index).fields:
        holder = kind.at("faces" if kind.nested else "face")
        query: dict[str, Any] = {
            "bool": {
                "filter": [{"exists": {"field": f"{holder}.id"}}],
                "must_not": [{"exists": {"field": kind.vector}}],
            }
        }
        found += count_of(es, index, {"nested": {"path": holder, "query": query}} if kind.nested else query)
    return found
