"""What FPIR and FNIR are: the error rates of a search (open-set identification, ISO/IEC 19795-1:2021).

A search compares one photo with a gallery of N faces, one a person, and returns those at or above a
threshold T.

- FPIR(N, T), the false positive identification rate: of the searches for people who are not enrolled in the
  gallery, the share that return anyone.
- FNIR(N, R, T), the false negative identification rate: of the searches for people who are enrolled, the
  share that do not return them among the first R candidates.

Photos without a face, in calibration and evaluation alike:

- Of an unenrolled person: **no search**, so it isn't in FPIR's denominator. Nobody can search with it, as the
  service has no vector for it. To count it as a search without a false hit would be lenient: the more faces a
  method fails to find, the lower its threshold for an FPIR would be, and the fewer its misses.
- Of an enrolled person, as probe or as the enrolled photo: a miss at every threshold.

R differs, and is stated: evaluation has R = 1, since it asks whether the best hit is right; calibration has
R = N, since a threshold alone decides who is returned.
"""

from __future__ import annotations

import numpy as np

from faces.error_rates.arrays import Rates, Scores


def fpir(hits: Scores, thresholds: Scores, searches: float, parts: Rates | float = 1.0) -> Rates:
    """(t,): FPIR at each threshold.

    hits: (h,) similarity of the best hit of searches for unenrolled people.
    thresholds: (t,)
    searches: how many searches for unenrolled people there were, those without any hit included. NaN comes
        out where there was none.
    parts: (h,) how many searches each hit stands for: the number of draws of its people, or the probability
        that it is the best hit of a search where galleries are drawn.
    """
    return _shares(_at_or_above(hits, thresholds, parts), searches)


def fnir(mates: Scores, thresholds: Scores, searches: float, parts: Rates | float = 1.0) -> Rates:
    """(t,): FNIR at each threshold.

    mates: (m,) similarity of the person's own enrolled photo in searches for enrolled people; -inf where it
        is not among the first R candidates.
    searches: how many searches for enrolled people there were, those with photos without a face included.
        NaN comes out where there was none.
    thresholds, parts: as in ``fpir``.
    """
    return _shares(searches - _at_or_above(mates, thresholds, parts), searches)


def _at_or_above(similarities: Scores, thresholds: Scores, parts: Rates | float) -> Rates:
    order = np.argsort(similarities, kind="stable")
    ordered = np.broadcast_to(np.asarray(parts, dtype=np.float64), similarities.shape)[order]
    below = np.concatenate([[0.0], np.cumsum(ordered)])
    sums: Rates = below[-1] - below[np.searchsorted(similarities[order], thresholds)]
    return sums


def _shares(counts: Rates, searches: float) -> Rates:
    return counts / searches if searches else np.full(len(counts), np.nan)
