"""The inference service: photos in, faces and their vectors out. It knows nothing of Elasticsearch."""

import os

__version__ = "0.1.0"

# ONNX Runtime's wheels report their use to Microsoft unless this is set before they are first imported.
# Nothing that works on people's photos calls home.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
