"""The arithmetic of error rates: numpy alone. No Elasticsearch, no service, no files.

Similarities and labels go in; curves, error rates with intervals, thresholds and probabilities come out.
Calibration and evaluation both use it, so that a rate means the same in both. import-linter holds that this
room knows no other one of ``faces`` (``pyproject.toml``).

Pairs of photos: ``verification``. Searches: ``search_rates`` defines FPIR and FNIR, ``identification`` and
``ranking`` measure a method, ``search_threshold`` finds the similarity for a stated FPIR. ``logistic`` turns
a similarity into a probability. ``bootstrap`` and ``interval`` say how sure each number is.
"""
