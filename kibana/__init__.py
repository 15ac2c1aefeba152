"""Boards, data views and Dev Tools requests as code, and their import. Knows the fields of the indices.

``boards`` are made of ``objects`` and written by ``build``; ``lint`` looks at what was written, by ``checks``;
``preview`` draws it. ``importing`` brings it into a Kibana through ``client``, ``alert`` adds a rule, and
``indices`` says whether Elasticsearch has what it shows. ``console`` has the requests, ``console_links`` makes
links of them.
"""
