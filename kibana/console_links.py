"""The Dev Tools requests of `kibana/console/`, and links that open Console with them in its editor.

`python -m kibana.console_links` prints the links as a Markdown list.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kibana.lz_string import compress_to_encoded_uri_component
from kibana.verdicts import NOT_CALIBRATED, Verdicts

FOLDER = Path(__file__).parent / "console"


@dataclass(frozen=True)
class ConsoleFile:
    """A file in Console's own format, whose leading comment begins with its title and its purpose."""

    name: str
    title: str
    purpose: str
    text: str


def files() -> list[ConsoleFile]:
    """All files, in the order in which they run on a fresh stack."""
    return [_read(path) for path in sorted(FOLDER.glob("*.txt"))]


def _read(path: Path) -> ConsoleFile:
    text = path.read_text(encoding="utf-8")
    title, *purpose = (line.removeprefix("# ") for line in text.partition("\n#\n")[0].splitlines())
    return ConsoleFile(path.stem, title, " ".join(purpose), text)


def link(text: str) -> str:
    """A link for a Markdown panel of a dashboard.

    It is relative to the page that the dashboard is on, `…/app/dashboards`, so that it stays in the reader's
    space and below Kibana's base path, whichever they are. One that begins with `/app` would leave both.

    Raises:
        ValueError: the text has a character outside of Latin-1.
    """
    return f"dev_tools#/console?load_from=data:text/plain,{compress_to_encoded_uri_component(text)}"


def markdown(*numbers: int, verdicts: Verdicts = NOT_CALIBRATED) -> str:
    """Files as a list of links with their purposes.

    Args:
        numbers: that their names begin with; none: all.
        verdicts: whose lines the requests have.
    """
    wanted = [file for file in files() if not numbers or int(file.name[:2]) in numbers]
    return "".join(
        f"- [{file.title}]({link(verdicts.in_request(file.text))}): {file.purpose}\n" for file in wanted
    )


if __name__ == "__main__":
    print(markdown(), end="")
