"""The inference service: photos in, faces and their vectors out. It knows nothing of Elasticsearch."""
