"""Where the faces of a photo are."""

from ingest_service.detection.centerface import CenterFace
from ingest_service.detection.face import LANDMARKS, Detection, Detector
from ingest_service.detection.scaling import Pixels, resized, shrunk

__all__ = ["LANDMARKS", "CenterFace", "Detection", "Detector", "Pixels", "resized", "shrunk"]
