"""Kibana: boards, data views and Dev Tools requests as code, and their import."""
