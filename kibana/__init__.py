"""Boards, data views and Dev Tools requests as code, and their import into Kibana.

``boards`` are made of ``objects``, and ``build`` writes them to a file; ``lint`` applies the ``checks``.
``importing`` brings them into a Kibana through ``client``, and ``alert`` adds a rule; ``indices`` tells
whether Elasticsearch has the fields that they show. ``console`` has the requests, which ``console_links``
links to.
"""
