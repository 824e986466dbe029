"""The code package of a run, to look into."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from tempfile import TemporaryDirectory
from typing import Dict, Optional

from dockerflow.store import code_package
from dockerflow.store.base import Store
from dockerflow.store.records import RunStarted


class Code:
    """What a run's containers were given to run: the user's files below `user-code/`, and the part of dockerflow."""

    def __init__(self, store: Store, started: RunStarted) -> None:
        self._store, self._started, self.script_name = store, started, started.flow_file
        self._opened: Optional[tarfile.TarFile] = None

    @property
    def path(self) -> str:
        """Where it is in the store."""
        return self._store.blobs.location(self._started.code)

    @property
    def info(self) -> Dict[str, str]:
        """What made it: `script`, `username`, `dockerflow_version`, `environment_type`."""
        started = self._started
        images = any(step.image for step in started.steps)
        return {
            "script": started.flow_file,
            "username": started.user,
            "dockerflow_version": started.version,
            "environment_type": "image" if images else "local",
        }

    @property
    def tarball(self) -> tarfile.TarFile:
        """The package, the same object each time."""
        if self._opened is None:
            self._opened = tarfile.open(fileobj=io.BytesIO(self._content()))  # noqa: SIM115 - of memory alone
        return self._opened

    @property
    def flowspec(self) -> str:
        """The text of the flow file."""
        with tarfile.open(fileobj=io.BytesIO(self._content())) as archive:
            file = archive.extractfile(f"{code_package.USER}/{self.script_name}")
            return "" if file is None else file.read().decode()

    def extract(self) -> TemporaryDirectory[str]:
        """The user's files in a temporary folder, which is gone when the object that is returned is."""
        folder = TemporaryDirectory(prefix="dockerflow-code-")
        with TemporaryDirectory(prefix="dockerflow-code-") as whole:
            code_package.unpack(self._content(), whole)
            for name in os.listdir(os.path.join(whole, code_package.USER)):
                shutil.move(os.path.join(whole, code_package.USER, name), os.path.join(folder.name, name))
        return folder

    def _content(self) -> bytes:
        return bytes(self._store.blobs.get(self._started.code))

    def __repr__(self) -> str:
        return f"<Code: {self.script_name}>"
