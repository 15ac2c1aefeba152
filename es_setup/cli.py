"""The command ``faces``. What it prints is here; what it does is in the modules beside it.

Exit statuses: 0 all is well; 1 something failed or isn't there; 2 the command was called wrongly.
"""

from __future__ import annotations

import json
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from elasticsearch import ApiError, Elasticsearch, TransportError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from es_setup import demo as demos
from es_setup import stack
from es_setup.attach import AttachError, Attachment, attach
from es_setup.connection import Connection, ConnectionFailed
from es_setup.engine import EngineError
from es_setup.indexing import Indexed, NoPipeline, index_photos
from es_setup.install import ALIASES, InstallError, Vectors, has_plugin, install_roles, missing
from es_setup.install import install as put_all
from es_setup.models import MixedModels, model_of
from es_setup.photos import photos_below
from es_setup.plotting import Query, plot
from es_setup.searching import Match
from es_setup.searching import search as find
from ingest_service.verdicts import POSSIBLE, STRONG
from ingest_service.weights import Cache, WeightsError

app = typer.Typer(
    help="Photos in Elasticsearch, searchable by face.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# Where no terminal says how wide it is, nothing is cut off.
WIDE = None if sys.stdout.isatty() else 250
out = Console(highlight=False, soft_wrap=True, width=WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)

VERDICTS = f"strong from {STRONG:.2f}, possible from {POSSIBLE:.2f}, unlikely below; not calibrated"

FolderArgument = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="a folder of photos")]
EsUrl = Annotated[str, typer.Option(envvar="ES_URL", help="Elasticsearch")]
FacesUrl = Annotated[str, typer.Option(envvar="FACES_URL", help="the inference service")]
EsApiKey = Annotated[str | None, typer.Option(envvar="ES_API_KEY", help="API key, encoded")]
EsUser = Annotated[str | None, typer.Option(envvar="ES_USER", help="user, if there is no API key")]
EsPassword = Annotated[str | None, typer.Option(envvar="ES_PASSWORD", help="the user's password")]
FacesApiKey = Annotated[str | None, typer.Option(envvar="FACES_API_KEY", help="the service's key")]
IndexOption = Annotated[str, typer.Option(help="index or alias")]
JsonFlag = Annotated[bool, typer.Option("--json", help="print JSON for a script")]
Labels = Annotated[
    Literal["folder"] | None, typer.Option(help="`folder`: a photo's folder is its person's name, as in LFW")
]

ES_URL, FACES_URL = Connection.es_url, Connection.faces_url


@app.command()
def install(
    model: Annotated[
        str | None, typer.Option(help="pin the pipelines to this model id [the service's, if it answers]")
    ] = None,
    vectors: Annotated[
        Vectors | None,
        typer.Option(help="how new indices keep vectors [int8_hnsw; the gallery flat, which is exact]"),
    ] = None,
    roles: Annotated[bool, typer.Option("--roles", help="PUT the roles as well")] = False,
    es_url: EsUrl = ES_URL,
    faces_url: FacesUrl = FACES_URL,
    es_api_key: EsApiKey = None,
    es_user: EsUser = None,
    es_password: EsPassword = None,
    faces_api_key: FacesApiKey = None,
) -> None:
    """PUT pipelines and templates, and create the first index of `faces`, `face-gallery`, `face-probes`."""
    connection = Connection(es_url, faces_url, es_api_key, es_user, es_password, faces_api_key)
    with explained():
        es = connection.elasticsearch()
        for what, outcome in put_all(es, model or served_model(connection), vectors):
            out.print(f"{what}: {outcome}", markup=False)
        for what, outcome in install_roles(es) if roles else ():
            out.print(f"{what}: {outcome}", markup=False)


@app.command("attach")
def attach_index(
    index: Annotated[str, typer.Argument(help="an index of your own, which is there")],
    field: Annotated[str, typer.Option(help="the field with the photo, in base64")],
    target_field: Annotated[
        str | None, typer.Option(help="put everything below this object [the top of the document]")
    ] = None,
    remove_binary: Annotated[
        bool, typer.Option("--remove-binary", help="remove the photo once its faces are there")
    ] = False,
    model: Annotated[str | None, typer.Option(help="pin to this model id [the service's]")] = None,
    vectors: Annotated[Vectors | None, typer.Option(help="how vectors are kept [int8_hnsw]")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace another default pipeline of the index")
    ] = False,
    es_url: EsUrl = ES_URL,
    faces_url: FacesUrl = FACES_URL,
    es_api_key: EsApiKey = None,
    es_user: EsUser = None,
    es_password: EsPassword = None,
    faces_api_key: FacesApiKey = None,
) -> None:
    """Find the faces of photos in an index of your own: pipeline `faces-INDEX`, mapping, default pipeline."""
    connection = Connection(es_url, faces_url, es_api_key, es_user, es_password, faces_api_key)
    attachment = Attachment(index, field, target_field, remove_binary)
    with explained():
        es = connection.elasticsearch()
        for what, outcome in attach(es, attachment, model or served_model(connection), vectors, overwrite):
            out.print(f"{what}: {outcome}", markup=False)


def served_model(connection: Connection) -> str | None:
    """The model that the service serves; None, which leaves the files' own, when it can't be asked."""
    try:
        return str(connection.service().ready()["model"]["id"])
    except ConnectionFailed as error:
        err.print(f"note: {error}; the pipelines stay pinned to the model in their files", markup=False)
        return None


@app.command("index")
def index_folder(
    folder: FolderArgument,
    labels: Labels = None,
    index: IndexOption = "faces",
    as_json: JsonFlag = False,
    es_url: EsUrl = ES_URL,
    es_api_key: EsApiKey = None,
    es_user: EsUser = None,
    es_password: EsPassword = None,
) -> None:
    """Index every photo below FOLDER. Running it again adds nothing twice."""
    with explained():
        es = Connection(es_url, FACES_URL, es_api_key, es_user, es_password).elasticsearch()
        photos = photos_below(folder, labels == "folder")
        if not photos:
            fail(f"no photos below {folder}")
        tally = demos.Tally()
        for indexed in tracked(index_photos(es, photos, index), len(photos), "indexing"):
            tally.count(indexed)
            if indexed.error:
                err.print(f"{indexed.photo.name}: {indexed.error}", markup=False)
        es.indices.refresh(index=index)
    if as_json:
        print_json(
            {
                "photos": tally.photos,
                "with_faces": tally.with_faces,
                "faces": tally.faces,
                "unreadable": tally.unreadable,
                "not_stored": tally.not_stored,
            }
        )
    else:
        out.print(summary(tally), markup=False)
    raise typer.Exit(1 if tally.not_stored else 0)


@app.command()
def search(
    photo: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="whose largest face is looked for")
    ],
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="how many matches")] = 5,
    plot_file: Annotated[Path | None, typer.Option("--plot", help="write a PNG of the matches")] = None,
    index: IndexOption = "faces",
    as_json: JsonFlag = False,
    es_url: EsUrl = ES_URL,
    faces_url: FacesUrl = FACES_URL,
    es_api_key: EsApiKey = None,
    es_user: EsUser = None,
    es_password: EsPassword = None,
    faces_api_key: FacesApiKey = None,
) -> None:
    """Find the photos whose faces look most like PHOTO's."""
    connection = Connection(es_url, faces_url, es_api_key, es_user, es_password, faces_api_key)
    with explained():
        check_can_write(plot_file)
        data = photo.read_bytes()
        matches = find(connection.elasticsearch(), data, k, index)
        if plot_file:
            query = Query(photo, None, matches, demos.query_box(connection.service(), data))
            plot([query], plot_file, f"{photo.name}: {VERDICTS}")
    if as_json:
        print_json(
            {"query": str(photo), "calibrated": False, "matches": [match.as_json() for match in matches]}
        )
    else:
        print_matches(matches)
        if plot_file:
            out.print(f"picture: {plot_file.resolve()}", markup=False)


@app.command()
def status(
    as_json: JsonFlag = False,
    es_url: EsUrl = ES_URL,
    faces_url: FacesUrl = FACES_URL,
    es_api_key: EsApiKey = None,
    es_user: EsUser = None,
    es_password: EsPassword = None,
    faces_api_key: FacesApiKey = None,
) -> None:
    """Say what runs, what is installed and what is indexed. Exit status 1 if something is missing."""
    connection = Connection(es_url, faces_url, es_api_key, es_user, es_password, faces_api_key)
    report = {"elasticsearch": _es_status(connection), "service": _service_status(connection)}
    if as_json:
        print_json(report)
    else:
        for name, facts in report.items():
            out.print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in facts.items()), markup=False)
    raise typer.Exit(0 if all(facts["ok"] for facts in report.values()) else 1)


def _es_status(connection: Connection) -> dict[str, Any]:
    facts: dict[str, Any] = {"ok": False, "url": connection.es_url}
    try:
        es = connection.elasticsearch().options(request_timeout=10)
        nodes = es.nodes.info(metric="os")["nodes"].values()
        facts["versions"] = sorted({node["version"] for node in nodes})
        facts["plugin"] = has_plugin(es)
        facts["missing"] = missing(es)
        if not facts["missing"]:
            facts["models"] = {alias: model_of(es, alias) for alias in ALIASES}
            facts["photos"] = es.count(index="faces")["count"]
            facts["failed"] = es.count(index="faces", query={"exists": {"field": "error.code"}})["count"]
        facts["ok"] = facts["plugin"] and not facts["missing"]
    except (ApiError, TransportError, ConnectionFailed, MixedModels) as error:
        facts["error"] = explain(error, connection.es_url)
    return facts


def _service_status(connection: Connection) -> dict[str, Any]:
    facts: dict[str, Any] = {"ok": False, "url": connection.faces_url}
    try:
        facts["model"] = connection.service().ready()["model"]["id"]
        facts["ok"] = True
    except ConnectionFailed as error:
        facts["error"] = str(error)
    return facts


@app.command()
def up(
    data: Annotated[
        Path | None, typer.Option(help="the data stays in its folder ingest-face [the cache]")
    ] = None,
    es_port: Annotated[int, typer.Option(min=1, max=65535, help="Elasticsearch's port")] = 9200,
    faces_port: Annotated[int, typer.Option(min=1, max=65535, help="the service's port")] = 8501,
) -> None:
    """Run the embedded stack on loopback until Ctrl-C. What is indexed is there at the next start."""
    with explained(), stopped_by_signals():
        with busy() as step:
            cache, home = stack.prepare_all(step)
        folder = (data or cache.root).resolve()
        with starting(cache, home, folder, es_port, faces_port) as running:
            print_addresses(running.connection, None)
            wait_for_ctrl_c()


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Argument(exists=True, file_okay=False, help="photos [the sample]")
    ] = None,
    labels: Labels = None,
    query: Annotated[
        str | None, typer.Option(help="search with this photo alone, of FOLDER or elsewhere")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="leave the servers running until Ctrl-C")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures")] = None,
    plot_file: Annotated[Path, typer.Option("--plot", help="where the picture goes")] = Path(
        "faces-demo.png"
    ),
) -> None:
    """Start everything, index a folder of photos, search, show the matches, stop everything."""
    with explained(), stopped_by_signals():
        check_can_write(json_file, plot_file)
        with busy() as step:
            cache, home = stack.prepare_all(step)
        if folder is None:
            plan = demos.plan_sample(cache.sample)
            plan = plan if query is None else demos.plan_folder(cache.sample / "train", True, query)
        else:
            plan = demos.plan_folder(folder, labels == "folder", query)
        with starting(cache, home) as running:
            run_demo(running, plan, json_file, plot_file)
            if keep:
                print_addresses(running.connection, plan.queries[0].path if plan.queries else None)
                wait_for_ctrl_c()


def run_demo(running: stack.Stack, plan: demos.Plan, json_file: Path | None, plot_file: Path) -> None:
    """Indexes, searches, and prints what was found."""
    es: Elasticsearch = running.connection.elasticsearch()

    def shown(results: Iterable[Indexed]) -> Iterable[Indexed]:
        return tracked(results, len(plan.to_index), "indexing")

    tally = demos.index_all(es, plan, shown, say)
    searches = demos.search_all(es, running.connection.service(), plan.queries)
    answers = list(tracked(searches, len(plan.queries), "searching"))
    plot([answer.query for answer in answers], plot_file, f"queries and their best matches: {VERDICTS}")
    found = demos.figures(tally, answers, running.model) | {"picture": str(plot_file.resolve())}
    if json_file:
        json_file.write_text(json.dumps(found, indent=2) + "\n")
    if len(answers) == 1:
        if answers[0].query.matches:
            print_matches(answers[0].query.matches)
        else:
            out.print(answers[0].query.note, markup=False)
    out.print()
    out.print(
        f"{summary(tally)} in {tally.seconds:.1f} s ({found['photos_per_second']} photos/s)", markup=False
    )
    if found["top1"] is not None:
        judged = sum(answer.right is not None for answer in answers)
        out.print(f"{found['right']} of {judged} queries had the right person first", markup=False)
    if not answers:
        out.print("no queries: nobody has two photos in a folder of their name", markup=False)
    out.print(f"verdicts: {VERDICTS}", markup=False)
    out.print(f"picture: {plot_file.resolve()}", markup=False)
    if tally.not_stored:
        fail(f"{tally.not_stored} photos were not stored")


def summary(tally: demos.Tally) -> str:
    """One line: what was indexed, and what couldn't be."""
    text = f"{tally.photos} photos indexed, {tally.with_faces} with faces, {tally.faces} faces"
    if tally.unreadable:
        text += f", {tally.unreadable} unreadable (kept with their error)"
    return text + (f", {tally.not_stored} not stored" if tally.not_stored else "")


def print_matches(matches: list[Match]) -> None:
    table = Table("", "photo", "person", "similarity", "verdict", box=None, header_style="dim")
    for match in matches:
        table.add_row(
            str(match.rank), match.path, match.name or "-", f"{match.similarity:.3f}", match.verdict
        )
    out.print(table if matches else "no match")


def print_addresses(connection: Connection, photo: Path | None) -> None:
    """Where the servers are, and two requests that work as pasted."""
    name = shlex.quote(str(photo.resolve())) if photo else "photo.jpg"
    before = '{"knn": {"field": "faces.vector", "k": 5, "num_candidates": 100,'
    before += ' "query_vector_builder": {"face": {"image": "'
    wanted = "filter_path=hits.hits._score,hits.hits._source.file.path&pretty"
    out.print(
        f"\nElasticsearch      {connection.es_url}\ninference service  {connection.faces_url}", markup=False
    )
    out.print("\nSearch with a photo:\n", markup=False)
    out.print(
        f"{{ printf '{before}'; base64 < {name} | tr -d '\\n'; printf '\"}}}}}}}}'; }} |"
        " curl -sS -H 'Content-Type: application/json' --data-binary @-"
        f" '{connection.es_url}/faces/_search?{wanted}'",
        markup=False,
    )
    first = first_with_faces(connection.elasticsearch())
    out.print("\nSearch with a photo that is indexed already (Dev Tools):\n", markup=False)
    out.print(
        f"""GET faces/_search
{{
  "knn": {{
    "field": "faces.vector", "k": 5, "num_candidates": 100,
    "query_vector_builder": {{ "face": {{ "document": {{ "index": "faces", "id": "{first}" }} }} }}
  }},
  "_source": ["file.path", "people"]
}}""",
        markup=False,
    )
    out.print("\nCtrl-C stops everything.", markup=False)


def first_with_faces(es: Elasticsearch) -> str:
    hits = es.search(index="faces", size=1, query={"range": {"face_count": {"gte": 1}}}, source=False)[
        "hits"
    ]["hits"]
    return str(hits[0]["_id"]) if hits else "ID"


def tracked(results: Iterable[Any], total: int, what: str) -> Iterator[Any]:
    """Passes ``results`` on beneath a progress bar, on standard error."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as progress:
        task = progress.add_task(what, total=total)
        for result in results:
            progress.advance(task)
            yield result


@contextmanager
def busy() -> Iterator[Callable[[str], None]]:
    """Yields a ``say`` whose last word stands beside a moving bar while the next step runs: downloads, builds
    and starts, of which nobody knows how long they take."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("preparing", total=None)

        def step(message: str) -> None:
            say(message)
            progress.update(task, description=message.partition(":")[0])

        yield step


@contextmanager
def starting(
    cache: Cache,
    home: Path,
    data: Path | None = None,
    es_port: int | None = None,
    faces_port: int | None = None,
) -> Iterator[stack.Stack]:
    """The running stack, with a moving bar until it runs."""
    with ExitStack() as servers:
        with busy() as step:
            step("starting the servers")
            running = servers.enter_context(stack.running_stack(cache, home, step, data, es_port, faces_port))
        yield running


def check_can_write(*files: Path | None) -> None:
    """Before the work, not after it."""
    for file in files:
        if file and (file.is_dir() or not file.resolve().parent.is_dir()):
            fail(f"{file} can't be written: it is a folder, or its folder doesn't exist", status=2)


def say(message: str) -> None:
    err.print(message, markup=False)


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2))


def fail(message: str, status: int = 1) -> None:
    err.print(f"error: {message}", markup=False)
    raise typer.Exit(status)


@contextmanager
def explained() -> Iterator[None]:
    """A known failure ends the command with one message that says what to do, and no traceback."""
    try:
        yield
    except (
        EngineError,
        WeightsError,
        InstallError,
        AttachError,
        NoPipeline,
        MixedModels,
        ConnectionFailed,
        demos.DemoError,
        OSError,
    ) as error:
        fail(str(error))
    except (ApiError, TransportError) as error:
        fail(explain(error, "ES_URL"))


def explain(error: ApiError | TransportError | ConnectionFailed | MixedModels, where: str) -> str:
    if isinstance(error, ConnectionFailed | MixedModels):
        return str(error)
    if isinstance(error, ApiError):
        if error.status_code in (401, 403):
            return f"Elasticsearch refuses ({error.status_code}): set ES_API_KEY, or ES_USER and ES_PASSWORD"
        return demos.reason(error)
    return f"Elasticsearch doesn't answer ({type(error).__name__}): is {where} right, and is it running?"


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """SIGTERM and Ctrl-C both wind up what was started."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    # SIGHUP: the terminal was closed. SIGINT: a shell's background jobs begin with it ignored.
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    except KeyboardInterrupt:
        err.print("stopped", markup=False)
        raise typer.Exit(130) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for_ctrl_c() -> None:
    """Returns at Ctrl-C or SIGTERM: the servers' own clean-up follows."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        err.print("\nstopping")
