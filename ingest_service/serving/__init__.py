"""The service's HTTP edge: a gunicorn worker in which a slow client holds no thread."""
