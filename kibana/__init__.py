"""Boards, data views and Dev Tools requests as code, and their import. Knows the fields of the indices.

``boards`` are made of ``objects`` and written by ``build``; ``lint`` looks by ``checks`` at what was written,
and ``preview`` draws it. ``importing`` brings it into a Kibana through ``client``, and ``alert`` adds a rule;
``indices`` says whether Elasticsearch has what it shows. ``console`` has the requests, and ``console_links``
makes links of them.
"""
