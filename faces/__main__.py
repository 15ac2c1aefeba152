"""``python -m faces`` is the command ``faces``."""

from faces.cli import app

app(prog_name="faces")
