"""From labelled photos to a similarity for a stated FPIR and to a probability, stored with the indices.

The arithmetic, and what FPIR and FNIR count, is in ``faces.error_rates``.
"""
