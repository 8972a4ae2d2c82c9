"""Fetch the files of a data set, verify their digests, and only then put them in place."""

from __future__ import annotations

import gzip
import hashlib
import io
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from coursekit.core.errors import DataUnavailableError, IntegrityError
from coursekit.core.files import write_atomically
from coursekit.datasets.catalog import DataFile, DatasetInfo

__all__ = ["fetch_files", "is_complete"]

SCHEMES = ("https://",)
"""How the addresses that may be asked begin."""


def fetch_files(dataset: DatasetInfo, folder: Path, *, source: Path | None = None) -> None:
    """Put all files of a data set into `folder`, from a folder the user names or from their
    official address.

    Every file is verified before the first one is written, and each is written atomically.

    Parameters
    ----------
    dataset : DatasetInfo
    folder : path
        Created where it is missing.
    source : path, optional
        A folder that holds the archive or the files, plain or gzip, by itself or in a folder named
        like the set.

    Raises
    ------
    DataUnavailableError
        If a file could not be had; the message says what to do.
    IntegrityError
        If what came is not what was published.
    """
    contents = _from_network(dataset) if source is None else _from_folder(dataset, source)
    try:
        for name, content in contents.items():
            write_atomically(folder / name, content)
    except OSError as error:
        raise DataUnavailableError(
            f"{folder} cannot be written ({error.strerror}); name another folder with `--to`."
        ) from error


def is_complete(dataset: DatasetInfo, folder: Path) -> bool:
    """Return whether all files are in `folder`, with the right digests where these are known."""
    paths = {file: folder / file.name for file in dataset.files}
    return all(path.is_file() and _fits(file, path.read_bytes()) for file, path in paths.items())


def _from_network(dataset: DatasetInfo) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as staging:
        try:
            if dataset.archive is not None:
                return _unpacked(dataset, _download(dataset.archive, staging))
            return {file.name: _download(file, staging) for file in dataset.files}
        except DataUnavailableError as error:
            raise DataUnavailableError(
                f"{error} Without a network, get the files from {dataset.homepage} on another "
                f"machine and run `coursekit data get {dataset.name} --from FOLDER`."
            ) from error


def _download(file: DataFile, staging: str) -> bytes:
    """Return the content of a file that has an address and a digest."""
    import pooch
    from requests.exceptions import RequestException

    pooch.get_logger().setLevel("WARNING")
    _insist_on_https(str(file.url))
    hooks = {"response": _check_redirection}
    downloader = pooch.HTTPDownloader(timeout=30, stream=False, hooks=hooks)
    try:
        path = pooch.retrieve(
            str(file.url),
            known_hash=f"sha256:{file.sha256}",
            fname=file.name,
            path=staging,
            downloader=downloader,
        )
    except RequestException as error:
        raise DataUnavailableError(f"{file.url} could not be fetched ({error}).") from error
    except ValueError as error:
        raise _changed(str(file.url)) from error
    return Path(path).read_bytes()


def _check_redirection(response: Any, **_: Any) -> None:
    """Refuse to be sent to an address that is not https."""
    try:
        _insist_on_https(urljoin(response.url, response.headers.get("location", "")))
    except DataUnavailableError:
        response.close()
        raise


def _insist_on_https(url: str) -> None:
    if not url.startswith(SCHEMES):
        raise DataUnavailableError(
            f"{url} is not an https address, so its sender cannot be verified."
        )


def _from_folder(dataset: DatasetInfo, source: Path) -> dict[str, bytes]:
    archive = dataset.archive
    if archive is not None and (packed := _found(dataset, archive, source)) is not None:
        return _unpacked(dataset, packed)
    names = (dataset.ratings_file, dataset.items_file)
    has_digests = all(file.sha256 for file in dataset.files if file.name in names)
    contents = {}
    for file in dataset.files:
        content = _found(dataset, file, source) if has_digests else None
        if content is None:
            accepted = [archive.name] if archive else []
            accepted += [file.name] if has_digests else []
            raise DataUnavailableError(
                f"{source} holds no {' or '.join(accepted)}; name the folder that has the files "
                f"of {dataset.name}."
            )
        contents[file.name] = content
    return contents


def _found(dataset: DatasetInfo, file: DataFile, source: Path) -> bytes | None:
    """Return the verified content of a file, plain or gzip, or None if it is not there."""
    for place in (source / dataset.name, source):
        for path in (place / file.name, place / f"{file.name}.gz"):
            if path.is_file():
                content = path.read_bytes() if path.name == file.name else _gunzipped(path)
                if not _fits(file, content):
                    raise _changed(str(path))
                return content
    return None


def _gunzipped(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise IntegrityError(f"{path} is cut off or damaged ({error}).") from error


def _unpacked(dataset: DatasetInfo, packed: bytes) -> dict[str, bytes]:
    """Take the files out of an archive whose digest was right."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {file.name: archive.read(f"{dataset.name}/{file.name}") for file in dataset.files}


def _fits(file: DataFile, content: bytes) -> bool:
    return file.sha256 in (None, hashlib.sha256(content).hexdigest())


def _changed(where: str) -> IntegrityError:
    return IntegrityError(
        f"{where} is not the file that was published (its sha256 differs); nothing was written."
    )
