"""The arithmetic of error rates: numpy alone. No Elasticsearch, no service, no files.

Similarities and labels go in; curves, error rates with intervals, thresholds and probabilities come out.
Calibration and evaluation both use it, so that a rate means the same in both. It imports nothing
else of ``faces``, which import-linter checks (``pyproject.toml``).

Pairs of photos: ``verification``. Searches: ``search_rates`` defines FPIR and FNIR, ``identification`` and
``ranking`` measure a method, ``search_threshold`` finds the similarity for a stated FPIR. ``logistic`` turns
a similarity into a probability. ``bootstrap`` and ``interval`` give each number its confidence interval.
"""
