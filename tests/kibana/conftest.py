"""The boards' fixtures."""

from board_fixtures import calibrate, renderer, scene  # noqa: F401
