"""The text that a Python in an image is started with: it answers what is asked of values.

It runs before there is any dockerflow in the container, so it stands alone. Over standard input comes, each with its
length in eight bytes before it, the run's code package; then for every question the expression and the encoded value.
Over standard output goes for every question a head in JSON and, likewise, the encoded result: empty where there is
none, and the head then says why. What the user's code prints is no answer, and goes to standard error. Standard
library only, Python 3.7.
"""

import io
import json
import os
import struct
import sys
import tarfile
import tempfile
from typing import Any, Dict, List

SIZE = struct.Struct("<Q")


class Ended(Exception):
    """Nobody asks any more."""


def received(stream: Any) -> bytearray:
    head = stream.read(SIZE.size)
    if len(head) < SIZE.size:
        raise Ended
    content = bytearray(SIZE.unpack(head)[0])
    if stream.readinto(content) < len(content):
        raise Ended
    return content


def send(stream: Any, head: Dict[str, Any], chunks: List[Any]) -> None:
    encoded = json.dumps(head).encode()
    stream.write(SIZE.pack(len(encoded)) + encoded + SIZE.pack(sum(map(len, chunks))))
    for chunk in chunks:
        stream.write(chunk)
    stream.flush()


def unpack(package: bytearray) -> None:
    """As `store.code_package` lays it out."""
    folder = tempfile.mkdtemp()
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        if hasattr(tarfile, "data_filter"):  # what Python 3.14 does by itself, and 3.12 warns without
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(folder)
    ours, code = os.path.join(folder, "dockerflow-runtime"), os.path.join(folder, "user-code")
    sys.path[:] = [ours, code] + [entry for entry in sys.path if entry]
    os.chdir(code)
    from dockerflow.flow.metaflow_names import be_metaflow  # noqa: PLC0415 - until now there was none

    be_metaflow(code)


def answer(expression: str, content: bytearray, output: Any) -> None:
    from dockerflow.artifacts import codec, libraries  # noqa: PLC0415 - until now there was none

    try:
        result = eval(expression, {"value": codec.decode(content)})  # what the user asks for, of a container
        encoded = codec.encode(result, "result")
    except Exception as error:  # noqa: BLE001 - whatever the user's own classes raise
        said = getattr(error, "message", None) or str(error)
        send(output, {"error": str(said), "type": libraries.type_name(type(error))}, [])
        return
    send(output, {"type": encoded.type_name, "libraries": dict(encoded.libraries)}, encoded.chunks)


def main() -> None:
    questions, output = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    try:
        unpack(received(questions))
        while True:
            answer(received(questions).decode(), received(questions), output)
    except Ended:
        pass


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # not `sys.exit`, which waits for threads that a library has started
