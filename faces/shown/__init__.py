"""Text from outside (names, paths, ids, errors, settings, arguments), made safe for where it is shown.

Every place that shows such text takes it through the function of its medium:

================  =====================================================================================
medium            what makes text safe
================  =====================================================================================
terminal          ``terminal.PlainConsole``: nothing is markup, a link, an escape sequence or a new line
HTML              ``html_text.escaped``: nothing is a tag, an attribute or a script
Markdown          ``markdown_text.plain``: nothing is markup, HTML or a link
picture           ``lettering.lettering`` with ``drawn`` or ``shortened``: nothing is a formula
notebook          ``notebook.plain_outputs``, and ``drawn`` and ``printable`` for what a cell draws or prints
JSON              ``json.dumps``, which escapes all but ASCII
CSV               ``csv_text.row``: nothing is a formula, another cell or a new line
================  =====================================================================================

All of them start with ``printable.printable``. No page or table makes a link of text from outside.
tests/quick/test_shown_text.py holds that the rooms use nothing else.
"""
