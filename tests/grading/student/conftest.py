"""A student's notebook of the demo exercise, and ways to change it."""

import json

import pytest

RIGHT = {
    "demo-1-answer": "def double(x):\n    return 2 * x",
    "demo-2-answer": "def halve(x):\n    return x / 2",
}


class Notebook:
    """A notebook file that a student works on."""

    def __init__(self, file):
        self.file = file

    @property
    def content(self):
        return json.loads(self.file.read_text())

    def save(self, content):
        self.file.write_text(json.dumps(content))

    @property
    def sources(self):
        return {each["id"]: "".join(each["source"]) for each in self.content["cells"]}

    @property
    def ids(self):
        return [each["id"] for each in self.content["cells"]]

    def edit(self, name, source=None, **changes):
        content = self.content
        cell = next(each for each in content["cells"] if each["id"] == name)
        cell |= changes if source is None else {"source": source, **changes}
        self.save(content)
        return self

    def solve(self):
        for name, source in RIGHT.items():
            self.edit(name, source)
        return self

    def add(self, after, source, name="mine", kind="code", metadata=None):
        content = self.content
        cell = {"cell_type": kind, "id": name, "metadata": metadata or {}, "source": source}
        if kind == "code":
            cell |= {"outputs": [], "execution_count": None}
        content["cells"].insert([each["id"] for each in content["cells"]].index(after) + 1, cell)
        self.save(content)
        return self

    def copy(self, name, **changes):
        content = self.content
        at = next(at for at, each in enumerate(content["cells"]) if each["id"] == name)
        content["cells"].insert(
            at + 1, {**content["cells"][at], "id": f"copy-of-{name}", **changes}
        )
        self.save(content)
        return self

    def remove(self, name):
        content = self.content
        content["cells"] = [each for each in content["cells"] if each["id"] != name]
        self.save(content)
        return self


@pytest.fixture
def notebook(exercise_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return Notebook(exercise_folder / "demo.ipynb")
