"""Benchmarks: the service, a bulk, the detectors, and the choices of the profiles."""
