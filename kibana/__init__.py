"""Kibana as code: boards, data views, Dev Tools requests, their import and their checks."""
