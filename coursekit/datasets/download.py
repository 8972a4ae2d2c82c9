"""Fetch the files of a data set and verify their digests before writing them."""

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
"""Accepted URL schemes."""


def fetch_files(dataset: DatasetInfo, folder: Path, *, source: Path | None = None) -> None:
    """Write all files of a data set to `folder`, from a local folder or their official address.

    Every file is verified before the first one is written, and each is written atomically.

    Parameters
    ----------
    dataset : DatasetInfo
    folder : path
        Created if missing.
    source : path, optional
        A folder with the archive or the files, plain or gzip, or with a subfolder named like the
        set that contains them.

    Raises
    ------
    DataUnavailableError
        If a file could not be fetched; the message names the next step.
    IntegrityError
        If a digest does not match the published one.
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
    """Return whether `folder` has all files, with matching digests where these are known."""
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
    """Download a file that has an address and a digest; return its content."""
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
    """Raise DataUnavailableError for a redirection to an address that is not https."""
    try:
        _insist_on_https(urljoin(response.url, response.headers.get("location", "")))
    except DataUnavailableError:
        response.close()
        raise


def _insist_on_https(url: str) -> None:
    if not url.startswith(SCHEMES):
        raise DataUnavailableError(
            f"{url} is not an https address, so the server cannot be authenticated."
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
        raise IntegrityError(f"{path} is truncated or corrupt ({error}).") from error


def _unpacked(dataset: DatasetInfo, packed: bytes) -> dict[str, bytes]:
    """Return the files of a verified archive."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {file.name: archive.read(f"{dataset.name}/{file.name}") for file in dataset.files}


def _fits(file: DataFile, content: bytes) -> bool:
    return file.sha256 in (None, hashlib.sha256(content).hexdigest())


def _changed(where: str) -> IntegrityError:
    return IntegrityError(
        f"{where} is not the file that was published (its sha256 differs); nothing was written."
    )
