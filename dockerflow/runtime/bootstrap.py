"""The text that a container's Python is started with (`python -c`): unpack the code package and become the worker.

It runs before there is any dockerflow in the container, so it stands alone; the package that it unpacks brings ours.
Its arguments: sha256 of the code package, folder of the blobs (empty: the package comes over standard input, its length
in four bytes before it), outbox, working folder, the flow's file below the flow's folder, the flow's name, and
`container`, `process`, or `lasting` and the container's name: then the worker outlasts whoever talks to it, see
`relay`. Then bytecode comes over standard input, its length before it, perhaps none: see `scheduler.bytecode`.
Standard library only, Python 3.7.
"""

import hashlib
import os
import sys
from importlib.machinery import FileFinder, SourceFileLoader
from typing import List

# Seconds in which a worker that lasts must get the next piece of its code: nobody tells it when whoever started it is
# gone.
PATIENCE = 300

# Of a header of a tar file: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
BLOCK = 512


def received(length: int, lasts: bool) -> bytes:
    """From standard input, and nothing of what follows it: a buffered stream would read on."""
    content = bytearray()
    while len(content) < length:
        if lasts:
            wait()
        piece = os.read(0, min(length - len(content), 1 << 20))
        if not piece:
            sys.exit("whoever started this worker has gone before it had its code")
        content += piece
    return bytes(content)


def wait() -> None:
    import select  # noqa: PLC0415 - the others need it later

    if not select.select([0], [], [], PATIENCE)[0]:
        sys.exit(f"for {PATIENCE} s nothing has come of the code that this worker was to run")


def unpack(blobs: str, sha256: str, folder: str, lasts: bool) -> None:
    if blobs:
        # As `store.blobs` lays them out.
        with open(os.path.join(blobs, sha256[:2], sha256), "rb") as stream:
            package = stream.read()
    else:
        package = received(int.from_bytes(received(4, lasts), "big"), lasts)
    found = hashlib.sha256(package).hexdigest()
    if found != sha256:
        sys.exit(f"the code package is damaged: its hash should be {sha256} and is {found}")
    if not write_plain(package, folder):
        write_any(package, folder)


def write_plain(package: bytes, folder: str) -> bool:
    """Write the package's files; False where it has others than plain ones with short names.

    `tarfile`, with what it imports, would take a tenth of the time that a worker needs until it is ready.
    """
    begin, made = 0, set()
    while package[begin : begin + 1] not in (b"", b"\0"):
        header = package[begin : begin + BLOCK]
        if header[156:157] != b"0" or header[345:346] != b"\0":
            return False
        path = os.path.join(folder, header[:100].rstrip(b"\0").decode())
        size = int(header[124:136].rstrip(b"\0 "), 8)
        begin += BLOCK
        if os.path.dirname(path) not in made:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            made.add(os.path.dirname(path))
        with open(path, "wb") as stream:
            stream.write(package[begin : begin + size])
        begin += -(-size // BLOCK) * BLOCK
    return True


def write_any(package: bytes, folder: str) -> None:
    import io  # noqa: PLC0415 - seldom needed
    import tarfile  # noqa: PLC0415

    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        if hasattr(tarfile, "data_filter"):  # what Python 3.14 does by itself, and 3.12 warns without
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(folder)


def bring(bytecode: bytes, ours: str) -> None:
    """Have what is imported from the folder of our modules look here for bytecode before it compiles."""
    parts, begin = [], 0
    while begin < len(bytecode):
        end = begin + 4 + int.from_bytes(bytecode[begin : begin + 4], "big")
        parts.append(bytecode[begin + 4 : end])
        begin = end
    # Paths there begin with the folder's name.
    above = os.path.dirname(ours)
    found = {os.path.join(above, name.decode()): content for name, content in zip(parts[::2], parts[1::2])}

    class Loader(SourceFileLoader):
        def get_data(self, path: str) -> bytes:
            return found.pop(path, None) or super().get_data(path)

    def finder(folder: str) -> FileFinder:
        if folder != ours and not folder.startswith(ours + os.sep):
            raise ImportError("for the folder of our modules alone")
        return FileFinder(folder, (Loader, [".py"]))

    sys.path_hooks.insert(0, finder)


def main(arguments: List[str]) -> int:
    sha256, blobs, outbox, work, flow_file, flow_name, engine, *name = arguments
    folder = os.path.join(work, "run")
    lasts = engine == "lasting"
    unpack(blobs, sha256, folder, lasts)
    # As `store.code_package` lays them out.
    ours, code = os.path.join(folder, "dockerflow-runtime"), os.path.join(folder, "user-code")
    sys.path[:] = [ours, code] + [entry for entry in sys.path if entry]
    bring(received(int.from_bytes(received(4, lasts), "big"), lasts), ours)
    sys.dont_write_bytecode = True  # nobody would read it: the next container unpacks its own copy
    if lasts:
        from dockerflow.runtime import relay  # noqa: PLC0415 - until now there was none

        relay.stand_between(name[0], folder)  # from here on this is its child
    from dockerflow.runtime import worker  # noqa: PLC0415

    file, given = os.path.join(code, flow_file), os.path.join(folder, "given.json")
    status = worker.main(worker.Place(file, flow_name, given, blobs, outbox, work, folder, engine != "process"))
    if engine == "process":  # the scheduler removes it too, unless it was killed
        import shutil  # noqa: PLC0415 - of no use in a container

        shutil.rmtree(work, ignore_errors=True)
    return status


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    # Not `sys.exit`, which waits for threads that the flow's import has started.
    os._exit(status)
