"""What an evaluation found of each method."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from evaluation import all_pairs
from evaluation.methods import Method, MethodVectors
from evaluation.task import Task
from faces.error_rates.identification import Misses
from faces.error_rates.ratio import Ratio
from faces.evaluating import ErrorRates, measure

FAR = 0.001


@dataclass(frozen=True)
class MethodResult:
    """
    missing: why the method is unavailable, or has nothing to measure; ``rates`` is None then.
    true_accepts: over all pairs of the folder's photos, whatever its list: TAR at a FAR of ``FAR``. A list of
        some thousand pairs has too few of two people to state it.
    """

    method: str
    about: str
    missing: str | None = None
    photos: int = 0
    unreadable: int = 0
    no_face: int = 0
    photos_per_second: float = 0.0
    rates: ErrorRates | None = None
    true_accepts: float | None = None

    @classmethod
    def of(cls, task: Task, method: Method, embedded: MethodVectors) -> MethodResult:
        rates = measure(embedded.vectors, task.people, task.pairs, method.similarity)
        photos, failed = len(embedded.vectors), embedded.failed
        if rates is None:
            found = photos - int(failed.sum())
            missing = f"found a face on {found} of {photos} photos, and on both photos of no pair"
            return cls(method.name, method.about, missing)
        return cls(
            method.name,
            method.about,
            photos=photos,
            unreadable=int(embedded.unreadable.sum()),
            no_face=int((failed & ~embedded.unreadable).sum()),
            photos_per_second=photos / embedded.seconds,
            rates=rates,
            true_accepts=all_pairs.true_accepts(embedded.vectors, task.people, FAR, method.similarity),
        )

    def misses(self, fpir: float) -> Misses | None:
        """None where there are too few searches for unenrolled people."""
        return self.rates.misses(fpir) if self.rates else None

    def as_json(self) -> dict[str, Any]:
        """The rates stand beside the rest; null where there are none."""
        facts = asdict(self)
        rates = facts.pop("rates") or dict.fromkeys(ErrorRates.__dataclass_fields__)
        return facts | rates


def eer_ratio(ours: MethodResult, theirs: MethodResult) -> Ratio | None:
    """EER over EER; None where a method is unavailable."""
    if not (ours.rates and theirs.rates):
        return None
    return Ratio.of(
        ours.rates.verification.eer,
        theirs.rates.verification.eer,
        ours.rates.intervals.eer_draws,
        theirs.rates.intervals.eer_draws,
    )


def miss_ratio(ours: MethodResult, theirs: MethodResult, fpir: float) -> Ratio | None:
    """FNIR over FNIR at a FPIR; None where either is unknown."""
    own, other = ours.misses(fpir), theirs.misses(fpir)
    if own is None or other is None or own.fnir is None or other.fnir is None:
        return None
    return Ratio.of(own.fnir, other.fnir, own.draws, other.draws)
