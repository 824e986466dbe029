"""The headers of layers, against those of Python's tarfile."""

from __future__ import annotations

import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from dockerflow.images.tar import LayerWriter

NAMES = st.text(st.sampled_from("aé-."), min_size=1, max_size=130).filter(lambda name: name not in (".", ".."))
NUMBERS = st.one_of(st.integers(0, 20), st.integers(8**11 - 2, 8**11 + 2))


def of_tarfile(member: tarfile.TarInfo) -> bytes:
    member.uid = member.gid = 0
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


@given(NAMES, NAMES, st.integers(0, 0o7777), NUMBERS)
def test_headers_are_those_of_tarfile(name: str, target: str, mode: int, mtime: int) -> None:
    out = io.BytesIO()
    writer = LayerWriter(out)
    writer.directory(f"{name}.d", mode)
    writer.symlink(name, target)
    writer.hard_link(f"{name}.l", target, mode, mtime)
    writer.file(f"{name}.f", mode, mtime, 3, [b"a", b"bc"])
    writer.close()
    folder, link, hard, file = (tarfile.TarInfo(f"{name}{end}") for end in (".d", "", ".l", ".f"))
    folder.type, folder.mode = tarfile.DIRTYPE, mode
    link.type, link.mode, link.linkname = tarfile.SYMTYPE, 0o777, target
    hard.type, hard.mode, hard.mtime, hard.linkname = tarfile.LNKTYPE, mode, mtime, target
    file.mode, file.mtime, file.size = mode, mtime, 3
    content = b"abc".ljust(512, b"\0")
    assert out.getvalue() == b"".join(map(of_tarfile, (folder, link, hard, file))) + content + bytes(1024)
    assert writer.size == len(out.getvalue())


def test_many_small_files_and_a_large_one_are_the_bytes_that_tarfile_reads() -> None:
    out = io.BytesIO()
    writer = LayerWriter(out)
    contents = {f"f{number}": bytes([number]) * number * 700 for number in range(200)}
    for name, content in contents.items():
        writer.file(name, 0o644, 0, len(content), [content[:10], content[10:]])
    writer.close()
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        found = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    assert found == contents
