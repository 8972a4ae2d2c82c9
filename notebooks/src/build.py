"""Run the lessons' sources and store them, with their outputs, as notebooks.

    python notebooks/src/build.py            every lesson
    python notebooks/src/build.py 02 03      these
    python notebooks/src/build.py docs/x.py  a source elsewhere, beside its notebook
    python notebooks/src/build.py --text 02  only prose has changed: keep the outputs
    python notebooks/src/build.py --check    print differences of notebooks and sources

A lesson is written in `notebooks/src/NN_name.py` (percent format: changes can be read).
`notebooks/NN_name.ipynb` is made from it, in a fresh kernel, and is never edited by hand.
Building twice gives the same file: ids come from the cells' text, and neither times nor
versions of this machine are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from coursekit.authoring.source import read_percent

SOURCES = Path(__file__).resolve().parent
NOTEBOOKS = SOURCES.parent
EXEMPT = {
    "nbval-ignore-output",
    "nbval-skip",
}  # tags of cells whose output cannot be the same twice
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def lessons(prefixes: list[str]) -> list[Path]:
    """Return the sources that are named or begin with a prefix; without any, all."""
    named = [Path(prefix).resolve() for prefix in prefixes if prefix.endswith(".py")]
    if named:
        return named
    sources = sorted(SOURCES.glob("[0-9][0-9]_*.py"))
    return [source for source in sources if not prefixes or source.name.startswith(tuple(prefixes))]


def notebook_of(source: Path) -> Path:
    """Return the notebook that a source is paired with."""
    return (NOTEBOOKS if source.parent == SOURCES else source.parent) / f"{source.stem}.ipynb"


def read_source(source: Path) -> NotebookNode:
    """Read a source as a notebook without outputs."""
    notebook = read_percent(source.read_text(encoding="utf-8"))
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:10]
        cell.id = f"{digest}-{seen[digest]}" if seen[digest] else digest
        seen[digest] += 1
        tags = cell.metadata.get("tags", [])
        cell.metadata = NotebookNode({"tags": tags} if tags else {})
        if "figure" in tags:  # what draws a figure is not what the lesson teaches
            cell.metadata["jupyter"] = {"source_hidden": True}
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def difference(source: Path, notebook: Path) -> str | None:
    """Return the first difference of a source and its notebook, None without any."""
    if not notebook.is_file():
        return f"{source.name} has no {notebook.name} yet"
    wanted = read_source(source).cells
    stored = nbformat.read(notebook, as_version=4).cells
    for at, (cell, other) in enumerate(zip(wanted, stored, strict=False)):
        for what, one, two in (
            ("kind", cell.cell_type, other.cell_type),
            ("text", cell.source, other.source),
            ("tags", cell.metadata.get("tags", []), other.metadata.get("tags", [])),
        ):
            if one != two:
                return f"{notebook.name}: cell {at} has another {what} than {source.name}: {one!r:.80} against {two!r:.80}"
    if len(wanted) != len(stored):
        return f"{notebook.name} has {len(stored)} cells, {source.name} has {len(wanted)}"
    return None


def compared_cells(notebook: Path) -> tuple[int, int]:
    """Count the cells whose output nbval compares, and all cells that have output."""
    bearing = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.get("outputs")]
    return sum(not EXEMPT & set(cell.metadata.get("tags", [])) for cell in bearing), len(bearing)


def build(source: Path) -> None:
    """Run a source in a fresh kernel and store it as its notebook."""
    notebook = read_source(source)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(notebook_of(source).parent)}},
    )
    client.execute()
    store(notebook, source)


def take_text(source: Path) -> None:
    """Take over changed prose and keep the outputs; the code must be what was run."""
    notebook = read_source(source)
    stored = nbformat.read(notebook_of(source), as_version=4)
    codes, ran = ([cell for cell in each.cells if cell.cell_type == "code"] for each in (notebook, stored))
    if [cell.source for cell in codes] != [cell.source for cell in ran]:
        sys.exit(f"{source.name}: code has changed since it was run, build without --text.")
    for cell, other in zip(codes, ran, strict=True):
        cell.outputs, cell.execution_count = other.outputs, other.execution_count
    store(notebook, source)


def store(notebook: NotebookNode, source: Path) -> None:
    """Write the notebook of a source, the same bytes for the same cells."""
    notebook.metadata = nbformat.from_dict(METADATA)  # running added this machine's versions
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
    notebook_of(source).write_text(text + "\n", encoding="utf-8")


def main() -> int:
    """Build or check lessons; the exit code is the number of differences."""
    parser = argparse.ArgumentParser(description="Build the lessons from their sources.")
    parser.add_argument("prefix", nargs="*", help="which lessons, for example 02 (default: all)")
    parser.add_argument("--text", action="store_true", help="run nothing: only prose has changed")
    parser.add_argument(
        "--check",
        action="store_true",
        help="build nothing, say where notebook and source differ",
    )
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("PYTHONHASHSEED", "0")
    found = 0
    for source in lessons(options.prefix):
        if options.check:
            sentence = difference(source, notebook_of(source))
            print(sentence or "{}: a pair; {} of {} outputs compared".format(source.stem, *compared_cells(notebook_of(source))))
            found += sentence is not None
        elif options.text:
            take_text(source)
        else:
            print(f"{source.name} ...", flush=True)
            build(source)
    return found


if __name__ == "__main__":
    sys.exit(main())
