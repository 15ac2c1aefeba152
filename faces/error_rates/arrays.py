"""The arrays that error rates are computed from, by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""(n, dims), a photo each; NaN for a photo without a face."""
Scores = NDArray[np.floating[Any]]
"""Similarities; the higher, the more alike."""
Rates = NDArray[np.float64]
"""Shares, 0 to 1, or what sums to shares."""
People = NDArray[np.integer[Any]]
"""People as numbers from 0."""
Positions = NDArray[np.integer[Any]]
Flags = NDArray[np.bool_]
