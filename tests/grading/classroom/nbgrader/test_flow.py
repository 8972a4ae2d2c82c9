"""nbgrader from end to end on our course: generate, autograde with our steps, feedback, export,
formgrader in a browser.
"""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import sync_playwright

from coursekit.cli import cli
from tests.grading.submissions import FULL, ROOT, hand_in, replaced, solved, stub, with_cell

pytestmark = [pytest.mark.slow, pytest.mark.needs("bubblewrap")]

CONFIG = """
from pathlib import Path
from coursekit.grading.classroom.nbgrader.course import configure
configure(get_config(), Path(__file__).parent)
"""
LOUD = """
from IPython.display import HTML, Javascript, Latex, Markdown, SVG, display
bad = "<script>document.title='HACKED'</script><img src=x onerror=\\"document.title='HACKED'\\">"
display(HTML(bad)); display(Javascript("document.title='HACKED'")); display(Markdown(bad)); display(Latex("$" + bad + "$"))
display({"image/svg+xml": "<svg onload=\\"document.title='HACKED'\\"></svg>", "text/html": bad, "text/plain": bad}, raw=True)
display({"image/png": bad, "application/javascript": "document.title='HACKED'"}, raw=True)
print(bad)
raise ValueError(bad)
"""
MARKDOWN = """# A title <script>document.title='HACKED'</script>
<img src=x onerror="document.title='HACKED'"> [link](javascript:document.title='HACKED')
![x](x" onerror="document.title='HACKED')
[ref]: javascript:alert(1)
$\\href{javascript:document.title='HACKED'}{x}$ <iframe srcdoc="<script>parent.document.title='HACKED'</script>"></iframe>
"""


def hostile():
    notebook = with_cell(stub(), LOUD)
    notebook["cells"].insert(
        2, {"cell_type": "markdown", "id": "evil", "metadata": {}, "source": MARKDOWN}
    )
    notebook["cells"].append(
        {"cell_type": "raw", "id": "raw", "metadata": {"format": "text/html"}, "source": MARKDOWN}
    )
    notebook["metadata"]["title"] = "</title><script>document.title='HACKED'</script>"
    return notebook


def meddled():
    """Return a notebook as nbgrader on its own refuses it, or stops a whole run for: copied,
    deleted and relabelled cells.
    """
    notebook = solved()
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    copied = json.loads(json.dumps(cells["fm-1"])) | {"id": "copy"}
    copied["metadata"]["nbgrader"]["schema_version"] = 99
    cells["fm-2-answer"]["metadata"]["nbgrader"]["solution"] = False
    notebook["cells"] = [copied, *(cell for cell in notebook["cells"] if cell["id"] != "fm-3")]
    return notebook


STUDENTS = {"ada": FULL, "bob": 0, "eve": 0, "fay": 3, "gil": FULL}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the course after the whole flow."""
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(
        ROOT / "solutions" / "fm",
        root / "solutions" / "fm",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (root / "nbgrader_config.py").write_text(CONFIG)
    for folder in (root, root / "solutions", root / "solutions" / "fm"):
        folder.chmod(0o755)
    partial = replaced(
        stub(), fm_1_answer=next(c for c in solved()["cells"] if c["id"] == "fm-1-answer")["source"]
    )
    hand_in(root / "in", ada=solved(), bob=stub(), eve=hostile(), fay=partial, gil=meddled())
    for student in STUDENTS:
        place = root / "grading" / "submitted" / student / "fm"
        place.mkdir(parents=True)
        shutil.copy(root / "in" / student / "fm.ipynb", place)
    steps = ("generate_assignment fm", "autograde fm", "generate_feedback fm", "export")
    nbgrader(root, *steps)
    return root


EACH = """
import sys
from nbgrader.apps import NbGraderApp
for line in sys.argv[1:]:
    sys.argv[1:] = line.split()
    NbGraderApp.clear_instance()
    NbGraderApp.launch_instance()
"""


def nbgrader(root, *commands):
    """Run commands as `nbgrader` does, in one process: starting it takes longer than most of
    them.
    """
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", EACH, *commands],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def scores(root):
    with (root / "grades.csv").open() as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def test_what_nbgrader_generates_is_what_we_ship(course):
    there = {file.name: file.read_text() for file in (course / "exercises" / "fm").iterdir()}
    assert set(there) == {"checks.py", "exercise.toml", "fm.ipynb", "hints.toml"}
    cells = [(cell["cell_type"], cell["source"]) for cell in json.loads(there["fm.ipynb"])["cells"]]
    assert cells == [(cell["cell_type"], cell["source"]) for cell in stub()["cells"]]


def test_everybody_gets_what_they_deserve(course):
    assert scores(course) == STUDENTS


def test_hidden_checks_and_sources_stay_where_they_are(course):
    there = {file.name for file in (course / "grading").rglob("*") if file.is_file()}
    assert not there & {"hidden.py", "misconceptions.py", "fm.py"}


def test_feedback_shows_verdicts_and_no_output_of_the_submission(course):
    page = (course / "grading" / "feedback" / "fay" / "fm" / "fm.html").read_text()
    assert "The definition, pair by pair. Passed, 2 of 2 points" in page
    assert "not attempted" in page
    hostile_page = (course / "grading" / "feedback" / "eve" / "fm" / "fm.html").read_text()
    assert not re.search(
        r"<script>document|<img src=x|<iframe srcdoc|href=.javascript", hostile_page
    )


def test_a_class_graded_by_us_lands_in_the_same_gradebook(course, tmp_path):
    result = CliRunner().invoke(
        cli,
        ["grade", str(course / "grading" / "submitted"), "--exercise", str(course / "solutions" / "fm"), "--out", str(tmp_path),
         "--forked", "--gradebook", str(course)],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    nbgrader(course, "export", "generate_feedback fm --force")
    assert scores(course) == STUDENTS
    assert (
        "Passed, 2 of 2 points"
        in (course / "grading" / "feedback" / "fay" / "fm" / "fm.html").read_text()
    )


@pytest.fixture(scope="module")
def address(course, tmp_path_factory):
    """A Jupyter server with formgrader, on a free port; stopped by its own process id."""
    state = tmp_path_factory.mktemp("jupyter")
    runtime = state / "runtime"
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_CONFIG_DIR": str(state / "config"),
        "JUPYTER_DATA_DIR": str(state / "data"),
        "IPYTHONDIR": str(state / "ipython"),
    }
    command = [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", "--ServerApp.port=0",
               "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={course}",
               "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}"]  # fmt: skip
    with (state / "log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=course, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + 180
        while not (files := list(runtime.glob("jpserver-*.json"))):
            assert time.monotonic() < until, (state / "log").read_text()[-2000:]
            assert server.poll() is None, (state / "log").read_text()[-2000:]
            time.sleep(0.1)
        time.sleep(0.5)
        facts = json.loads(files[0].read_text())
        yield f"http://127.0.0.1:{facts['port']}{{path}}?token={facts['token']}"
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.mark.needs("chromium")
def test_formgrader_shows_the_class_in_a_browser_and_runs_nothing_of_it(course, address, chromium):
    listing = json.loads(
        urllib.request.urlopen(
            address.format(path="/formgrader/api/submitted_notebooks/fm/fm")
        ).read()
    )
    assert {each["student"]: each["score"] for each in listing} == STUDENTS
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        try:
            token = address.rpartition("=")[2]
            context = browser.new_context(extra_http_headers={"Authorization": f"token {token}"})
            context.route(lambda url: "127.0.0.1" not in url, lambda route: route.abort())
            page = context.new_page()
            said = []
            page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
            page.goto(
                address.format(path="/formgrader/gradebook/fm/fm"), wait_until="domcontentloaded"
            )
            page.locator("a", has_text="Submission #1").first.wait_for(
                state="attached", timeout=20_000
            )
            for each in listing:
                page.goto(
                    address.format(path=f"/formgrader/submissions/{each['id']}/"),
                    wait_until="domcontentloaded",
                )
                page.get_by_text("The definition, pair by pair").first.wait_for(timeout=20_000)
                page.wait_for_timeout(300)
                assert "HACKED" not in page.title()
                if each["student"] == "eve":
                    assert page.get_by_text("document.title='HACKED'").count() > 0  # shown as text
                    assert page.locator("a[href^='javascript']").count() == 0
                    assert page.locator("img[src='x'], iframe, svg[onload]").count() == 0
                if each["student"] == "fay":
                    assert page.locator("input.score").first.input_value() in {"", "3"}
            assert said == []
        finally:
            browser.close()
