"""The code package of a run, to look into."""

from __future__ import annotations

import io
import tarfile
from tempfile import TemporaryDirectory

from dockerflow.store import code_package
from dockerflow.store.directory import DirectoryStore


class Code:
    """What a run's containers were given to run: the user's files below `user-code/`, and the part of dockerflow."""

    def __init__(self, store: DirectoryStore, sha256: str, flow_file: str) -> None:
        self._store, self._sha256, self.script_name = store, sha256, flow_file

    @property
    def path(self) -> str:
        """The file in the store."""
        return str(self._store.blobs.path(self._sha256))

    @property
    def tarball(self) -> tarfile.TarFile:
        return tarfile.open(fileobj=io.BytesIO(self._content()))

    @property
    def flowspec(self) -> str:
        """The text of the flow file."""
        with self.tarball as archive:
            file = archive.extractfile(f"{code_package.USER}/{self.script_name}")
            return "" if file is None else file.read().decode()

    def extract(self) -> TemporaryDirectory[str]:
        """The files in a temporary folder, which is gone when the object that is returned is."""
        folder = TemporaryDirectory(prefix="dockerflow-code-")
        code_package.unpack(self._content(), folder.name)
        return folder

    def _content(self) -> bytes:
        return bytes(self._store.blobs.get(self._sha256))

    def __repr__(self) -> str:
        return f"<Code: {self.script_name}>"
