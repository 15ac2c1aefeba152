"""What a report is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from evaluation.bars import Bar
from evaluation.engine_search import EngineResult
from evaluation.original_query import QueryAnswer
from evaluation.portraits import PortraitRates
from evaluation.results import MethodResult
from evaluation.task import Task
from evaluation.vgg_knn import Neighbours
from faces.error_rates.arrays import Flags, Scores, Vectors
from faces.error_rates.similarity import without_face
from faces.evaluating import ErrorRates


@dataclass(frozen=True)
class Findings:
    """
    results: one for each method, in order.
    default: the method that all but the tables and the curves is about; one of ``results``, with rates.
    vectors: (photos, dims) of the default method; NaN without a face.
    scores: (pairs,) similarities of the task's pairs by the default method; NaN where a face is missing.
    neighbours: of VGG-16 + KNN.
    query: position of the photo that the original report's query is repeated with.
    answers: to it, by method.
    portraits: what several portraits of a person bring, or why that isn't measured, by method.
    command: as it was typed.
    versions: of the software, by name.
    """

    task: Task
    results: tuple[MethodResult, ...]
    default: str
    vectors: Vectors
    scores: Scores
    neighbours: Neighbours
    found: EngineResult
    bars: tuple[Bar, ...]
    query: int
    answers: Mapping[str, tuple[QueryAnswer, ...]]
    portraits: Mapping[str, PortraitRates | str]
    command: str
    model_id: str
    versions: Mapping[str, str]
    made: datetime

    @property
    def failed(self) -> Flags:
        """(photos,): the default method found no face."""
        return without_face(self.vectors)

    @property
    def rates(self) -> ErrorRates:
        """Of the default method."""
        rates = next(result.rates for result in self.results if result.method == self.default)
        assert rates is not None
        return rates

    @property
    def threshold(self) -> float:
        """Where the default method's errors are equal."""
        return self.rates.verification.eer_threshold

    @property
    def measured(self) -> list[tuple[str, ErrorRates]]:
        """The methods that have rates."""
        return [(result.method, result.rates) for result in self.results if result.rates]
