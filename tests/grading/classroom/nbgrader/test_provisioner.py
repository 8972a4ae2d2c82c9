"""Any Jupyter client can use a sandboxed kernel: here nbclient does, as nbgrader and nbconvert
would.
"""

import json
import os
import tempfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError

from coursekit.grading.sandbox.orphans import process_tree

pytestmark = [
    pytest.mark.needs("bubblewrap"),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
    ),  # nbclient's own
]

SPEC = {
    "argv": ["unused"],
    "display_name": "Sandbox",
    "language": "python",
    "interrupt_mode": "message",
    "metadata": {"kernel_provisioner": {"provisioner_name": "coursekit-sandbox", "config": {}}},
}


@pytest.fixture(autouse=True)
def kernelspec(tmp_path, monkeypatch):
    folder = tmp_path / "kernels" / "sandbox"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(SPEC))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))


def run(*sources, **options):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources]
    )
    NotebookClient(notebook, kernel_name="sandbox", **options).execute()
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]


def test_a_notebook_runs_inside_and_leaves_nothing():
    said = run(
        "import os\nprint(os.getuid(), os.path.exists('/home/student'))",
        f"print(os.path.exists({__file__!r}))",
    )
    assert said == ["1000 True\n", "False\n"]
    assert not [
        pid
        for pid in process_tree(os.getpid())
        if b"kernel_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert not list(Path(tempfile.gettempdir()).glob("ck-*/k-1"))


def test_an_endless_cell_is_interrupted():
    with pytest.raises(CellTimeoutError):
        run("while True: x = 1", timeout=1, interrupt_on_timeout=False)
