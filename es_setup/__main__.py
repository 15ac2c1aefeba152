"""``python -m es_setup`` is the command ``faces``."""

from es_setup.cli import app

app(prog_name="faces")
