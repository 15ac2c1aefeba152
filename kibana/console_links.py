"""The Dev Tools requests in `kibana/console/`, and links that open Console with one of them in its editor.

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
    """A file in Console's own format. Its leading comment starts with its title and purpose."""

    name: str
    title: str
    purpose: str
    text: str


def files() -> list[ConsoleFile]:
    """All files, in the order in which they run on an empty stack."""
    return [_read(path) for path in sorted(FOLDER.glob("*.txt"))]


def _read(path: Path) -> ConsoleFile:
    text = path.read_text(encoding="utf-8")
    title, *purpose = (line.removeprefix("# ") for line in text.partition("\n#\n")[0].splitlines())
    return ConsoleFile(path.stem, title, " ".join(purpose), text)


def link(text: str) -> str:
    """A link for a Markdown panel of a dashboard.

    It is relative to the dashboard's page, `…/app/dashboards`, so it stays in the reader's space and below
    Kibana's base path. A link that starts with `/app` would leave both.

    Raises:
        ValueError: the text has a character outside Latin-1.
    """
    return f"dev_tools#/console?load_from=data:text/plain,{compress_to_encoded_uri_component(text)}"


def markdown(*numbers: int, verdicts: Verdicts = NOT_CALIBRATED) -> str:
    """A list of links to files, with their purposes.

    Args:
        numbers: the numbers that the files' names start with; none: all files.
        verdicts: the thresholds in the requests.
    """
    wanted = [file for file in files() if not numbers or int(file.name[:2]) in numbers]
    return "".join(
        f"- [{file.title}]({link(verdicts.in_request(file.text))}): {file.purpose}\n" for file in wanted
    )


if __name__ == "__main__":
    print(markdown(), end="")
