"""Fetch the files of a data set, prove that they are whole, and only then put them in place."""

from __future__ import annotations

import gzip
import hashlib
import io
import urllib.error
import urllib.request
import zipfile
import zlib
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from coursekit.core.errors import DataUnavailableError, IntegrityError
from coursekit.core.files import replaced_atomically
from coursekit.datasets.catalog import DataFile, DatasetInfo

__all__ = ["download", "fetch_files", "is_complete"]

MAX_BYTES = 64 * 2**20
"""No file of the course comes near; more than this is not what was asked for."""


def fetch_files(
    dataset: DatasetInfo,
    folder: Path,
    *,
    source: Path | None = None,
    allow_loopback_http: bool = False,
) -> None:
    """Put all files of a data set into `folder`, from a folder the user names or from their
    official address.

    Every file is read and checked before the first one is written, and each is written in one
    atomic step.

    Parameters
    ----------
    dataset : DatasetInfo
    folder : path
        Created where it is missing.
    source : path, optional
        A folder that holds the archive or the files, plain or gzip, by itself or in a folder named
        like the set.
    allow_loopback_http : bool
        Accept plain http from this machine itself: for tests.

    Raises
    ------
    DataUnavailableError
        If a file could not be had; the message says what to do.
    IntegrityError
        If what came is not what was published.
    """
    if source is not None:
        contents = _from_folder(dataset, source)
    else:
        contents = _from_the_net(dataset, allow_loopback_http=allow_loopback_http)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            with replaced_atomically(folder / name) as temporary:
                Path(temporary).write_bytes(content)
    except OSError as error:
        raise DataUnavailableError(
            f"{folder} cannot be written ({error.strerror}); name another folder with `--to`."
        ) from error


def is_complete(dataset: DatasetInfo, folder: Path) -> bool:
    """Ask whether all files are in `folder`, whole wherever that can be known."""
    return all(
        (folder / file.name).is_file() and _fits(file, (folder / file.name).read_bytes())
        for file in dataset.files
    )


def download(
    url: str,
    *,
    max_bytes: int = MAX_BYTES,
    timeout: float = 30.0,
    allow_loopback_http: bool = False,
) -> bytes:
    """Return what lies at an https address.

    Raises
    ------
    DataUnavailableError
        If the address is not https (redirections included), does not answer, or sends more than
        `max_bytes`.
    """
    _insist_on_https(url, allow_loopback_http)
    opener = urllib.request.build_opener(_OnlyHttps(allow_loopback_http))
    try:
        with opener.open(url, timeout=timeout) as answer:
            content: bytes = answer.read(max_bytes + 1)
    except (OSError, HTTPException) as error:  # URLError is an OSError
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the answer as well
        reason = getattr(error, "reason", None) or error
        raise DataUnavailableError(f"{url} could not be fetched ({reason}).") from error
    if len(content) > max_bytes:
        raise DataUnavailableError(
            f"{url} sends more than {max_bytes} bytes, which cannot be what was asked for."
        )
    return content


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Follow redirections, but never out of https."""

    def __init__(self, allow_loopback_http: bool) -> None:
        self.allow_loopback_http = allow_loopback_http

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            _insist_on_https(newurl, self.allow_loopback_http)
        except DataUnavailableError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _insist_on_https(url: str, allow_loopback_http: bool) -> None:
    parts = urlsplit(url)
    loopback = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.scheme != "https" and not (loopback and allow_loopback_http):
        raise DataUnavailableError(
            f"{url} is not an https address, so nobody could tell who answers."
        )


def _from_the_net(dataset: DatasetInfo, *, allow_loopback_http: bool) -> dict[str, bytes]:
    try:
        if dataset.archive is not None:
            packed = download(dataset.archive.url, allow_loopback_http=allow_loopback_http)
            _insist(
                hashlib.sha256(packed).hexdigest() == dataset.archive.sha256, dataset.archive.url
            )
            return _unpacked(dataset, packed)
        contents = {}
        for file in dataset.files:
            if file.url is None:
                raise DataUnavailableError(f"{file.name} has no address of its own.")
            contents[file.name] = download(file.url, allow_loopback_http=allow_loopback_http)
            _insist(_fits(file, contents[file.name]), file.url)
        return contents
    except DataUnavailableError as error:
        raise DataUnavailableError(
            f"{error} Without a network, get the files from {dataset.homepage} on another "
            f"machine and run "
            f"`coursekit data get {dataset.name} --from FOLDER`."
        ) from error


def _from_folder(dataset: DatasetInfo, source: Path) -> dict[str, bytes]:
    places = (source / dataset.name, source)
    if dataset.archive is not None:
        for packed in (place / dataset.archive.name for place in places):
            if packed.is_file():
                content = packed.read_bytes()
                _insist(hashlib.sha256(content).hexdigest() == dataset.archive.sha256, str(packed))
                return _unpacked(dataset, content)
        if any(
            file.sha256 is None
            for file in dataset.files
            if file.name in (dataset.ratings_file, dataset.items_file)
        ):
            raise DataUnavailableError(
                f"{source} holds no {dataset.archive.name}; name the folder that has it."
            )
    return {file.name: _found(dataset, file, places) for file in dataset.files}


def _found(dataset: DatasetInfo, file: DataFile, places: tuple[Path, ...]) -> bytes:
    for path in (place / name for place in places for name in (file.name, f"{file.name}.gz")):
        if path.is_file():
            content = path.read_bytes() if path.name == file.name else _gunzipped(path)
            _insist(_fits(file, content), str(path))
            return content
    wanted = f"{dataset.archive.name} or {file.name}" if dataset.archive else file.name
    raise DataUnavailableError(
        f"{places[-1]} holds no {wanted}; name the folder that has the files of {dataset.name}."
    )


def _gunzipped(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise IntegrityError(f"{path} is cut off or damaged ({error}).") from error


def _unpacked(dataset: DatasetInfo, packed: bytes) -> dict[str, bytes]:
    """Take the files out of an archive whose sha256 was right."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {file.name: archive.read(f"{dataset.name}/{file.name}") for file in dataset.files}


def _fits(file: DataFile, content: bytes) -> bool:
    """Ask whether a file is what was published; a packed file is judged by what is in it."""
    if file.sha256 is None:
        return True
    if file.name.endswith(".gz"):
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            return False
    return hashlib.sha256(content).hexdigest() == file.sha256


def _insist(whole: bool, where: str) -> None:
    if not whole:
        raise IntegrityError(
            f"{where} is not the file that was published (its sha256 differs); nothing was written."
        )
