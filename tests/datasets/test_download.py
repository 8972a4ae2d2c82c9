from __future__ import annotations

import gzip
import hashlib
import io
import socket
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from coursekit.core.errors import DataUnavailableError, IntegrityError
from coursekit.datasets import download
from coursekit.datasets.catalog import DataFile, DatasetInfo
from coursekit.datasets.download import fetch_files, is_complete

RATINGS, FILMS = b"1::2::5::100\n", b"2::Heat (1995)::Crime\n"


def sha(content):
    return hashlib.sha256(content).hexdigest()


def zipped(**contents):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in contents.items():
            archive.writestr(f"tiny/{name}", content)
    return packed.getvalue()


@pytest.fixture
def server(monkeypatch):
    """A web server on this machine: `pages` maps a path to its bytes, or to another address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "SCHEMES", ("https://", "http://127.0.0.1:"))
    pages, asked = {}, []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            page = pages.get(self.path)
            self.send_response(404 if page is None else 302 if isinstance(page, str) else 200)
            if isinstance(page, str):
                self.send_header("Location", page)
            self.end_headers()
            if isinstance(page, bytes):
                self.wfile.write(page)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        httpd.pages, httpd.asked, httpd.url = pages, asked, f"http://127.0.0.1:{httpd.server_port}"
        yield httpd
        httpd.shutdown()
        thread.join()


@pytest.fixture
def tiny(server):
    server.pages.update({"/ratings.dat": RATINGS, "/movies.dat": FILMS})
    return DatasetInfo(
        name="tiny",
        title="",
        n_ratings=1,
        rating_range=(1, 5),
        licence="",
        homepage="https://example.org/tiny",
        ratings_file="ratings.dat",
        items_file="movies.dat",
        files=(
            DataFile(name="ratings.dat", sha256=sha(RATINGS), url=f"{server.url}/ratings.dat"),
            DataFile(name="movies.dat", sha256=sha(FILMS), url=f"{server.url}/movies.dat"),
        ),
    )


@pytest.fixture
def packed_tiny(tiny, server):
    packed = server.pages["/tiny.zip"] = zipped(**{"ratings.dat": RATINGS, "movies.dat": FILMS})
    return replace(
        tiny, archive=DataFile(name="tiny.zip", url=f"{server.url}/tiny.zip", sha256=sha(packed))
    )


def test_files_come_from_their_addresses(tiny, tmp_path):
    assert not is_complete(tiny, tmp_path)
    fetch_files(tiny, tmp_path)
    assert (tmp_path / "ratings.dat").read_bytes() == RATINGS
    assert (tmp_path / "movies.dat").read_bytes() == FILMS
    assert is_complete(tiny, tmp_path)


def test_files_come_out_of_an_archive(packed_tiny, server, tmp_path):
    fetch_files(packed_tiny, tmp_path)
    assert server.asked == ["/tiny.zip"]
    assert {file.name for file in tmp_path.iterdir()} == {"ratings.dat", "movies.dat"}


def test_a_page_that_was_tampered_with_is_refused_and_nothing_is_written(tiny, server, tmp_path):
    server.pages["/movies.dat"] = FILMS + b"2::More::Crime\n"
    with pytest.raises(
        IntegrityError,
        match=r"movies\.dat is not the file that was published .* nothing was written",
    ):
        fetch_files(tiny, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_an_archive_that_was_tampered_with_is_never_opened(packed_tiny, server, tmp_path):
    server.pages["/tiny.zip"] += b"\0"
    with pytest.raises(IntegrityError, match=r"tiny\.zip is not the file"):
        fetch_files(packed_tiny, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_missing_page_says_what_to_do_without_a_network(tiny, server, tmp_path):
    del server.pages["/ratings.dat"]
    with pytest.raises(DataUnavailableError) as refusal:
        fetch_files(tiny, tmp_path)
    assert "could not be fetched" in str(refusal.value)
    assert "get the files from https://example.org/tiny on another machine" in str(refusal.value)
    assert "`coursekit data get tiny --from FOLDER`" in str(refusal.value)


def test_no_answer_at_all_says_the_same(tiny, tmp_path):
    with socket.socket() as closed:  # a port that nobody listens on
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/x"
        offline = replace(tiny, files=(replace(tiny.files[0], url=address),))
        with pytest.raises(DataUnavailableError, match=r"refused.*--from FOLDER"):
            fetch_files(offline, tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x",
        "ftp://example.org/x",
        "file:///etc/passwd",
        "http://localhost.example.org/",
        "http://127.0.0.1/x",
    ],
)
def test_only_https_is_asked(url, tiny, monkeypatch, tmp_path):
    monkeypatch.undo()
    here = replace(tiny, files=(replace(tiny.files[0], url=url),))
    with pytest.raises(DataUnavailableError, match="is not an https address"):
        fetch_files(here, tmp_path)


def test_a_redirection_out_of_https_is_not_followed(tiny, server, tmp_path):
    server.pages["/ratings.dat"] = "http://example.org/x"
    with pytest.raises(DataUnavailableError, match=r"http://example.org/x is not an https address"):
        fetch_files(tiny, tmp_path)
    server.pages.update({"/ratings.dat": "/moved", "/moved": RATINGS})
    fetch_files(tiny, tmp_path)
    assert is_complete(tiny, tmp_path)


@pytest.mark.parametrize("within", ["", "tiny"])
@pytest.mark.parametrize("pack", [False, True])
def test_a_named_folder_may_hold_the_files_plain_or_packed(tiny, server, tmp_path, within, pack):
    source = tmp_path / "source" / within
    source.mkdir(parents=True)
    for name, content in (("ratings.dat", RATINGS), ("movies.dat", FILMS)):
        (source / (f"{name}.gz" if pack else name)).write_bytes(
            gzip.compress(content) if pack else content
        )
    fetch_files(tiny, tmp_path / "out", source=tmp_path / "source")
    assert (tmp_path / "out" / "ratings.dat").read_bytes() == RATINGS
    assert server.asked == []


def test_a_named_folder_may_hold_the_archive(packed_tiny, server, tmp_path):
    (tmp_path / "tiny.zip").write_bytes(server.pages["/tiny.zip"])
    fetch_files(packed_tiny, tmp_path / "out", source=tmp_path)
    assert is_complete(packed_tiny, tmp_path / "out")
    (tmp_path / "tiny.zip").write_bytes(b"PK")
    with pytest.raises(IntegrityError, match=r"tiny\.zip is not the file"):
        fetch_files(packed_tiny, tmp_path / "out", source=tmp_path)


def test_a_damaged_packed_file_is_refused(tiny, tmp_path):
    (tmp_path / "ratings.dat.gz").write_bytes(gzip.compress(RATINGS)[:-5])
    with pytest.raises(IntegrityError, match=r"ratings\.dat\.gz is truncated or corrupt"):
        fetch_files(tiny, tmp_path / "out", source=tmp_path)


def test_a_file_that_changed_later_makes_the_set_incomplete(tiny, tmp_path):
    fetch_files(tiny, tmp_path)
    (tmp_path / "movies.dat").write_bytes(b"")
    assert not is_complete(tiny, tmp_path)
