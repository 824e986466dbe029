"""A bundle is all that was asked for, the same bytes for the same run, and refused where it was changed since."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.lock_file import dumps
from dockerflow.housekeeping import bundling
from dockerflow.housekeeping import verify as verifying
from dockerflow.housekeeping.bundle_store import opened
from dockerflow.housekeeping.bundling import Wanted
from dockerflow.housekeeping.errors import BundleError
from dockerflow.housekeeping.mirroring import Places
from dockerflow.housekeeping.references import RunName
from dockerflow.images.packages import PackageCache
from dockerflow.store import history, journal, manifest, mirror, runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import StoreError
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import AttemptFinished, RunFinished, RunStarted, StepRecord, TaskCreated
from tests.unit.images.made import File, Made, locked

LARGE = b"x" * (1 << 17)
RUN = RunName("Films", "1795485038814454")
ALL = Wanted(artifacts=None)


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


@pytest.fixture
def package(tmp_path: Path) -> LockedPackage:
    made = Made("one", {"a": File(b"content")})
    return locked(made, made.write(tmp_path / "channel"))


@pytest.fixture
def run(store: DirectoryStore, package: LockedPackage) -> RunName:
    """One task, with a large artifact and a small one, in an image of one package upon no base."""
    make(store, package)
    return RUN


def make(store: DirectoryStore, package: LockedPackage, status: str = "succeeded", values: bytes = LARGE) -> None:
    lock = store.blobs.put([dumps(Lock("linux-64", (package,), (), (), "5bec")).encode()])
    step = StepRecord("start", (), lock=lock, spec_hash="5bec")
    store.put_new(runs.lock_key("5bec"), b"a lock")
    parameters = manifest.write(store.blobs, {"rate": 0.5, "table": b"p" * (1 << 17)}, {})
    code = store.blobs.put([b"code"])
    result = manifest.write(store.blobs, {"large": values, "small": 1}, {}, "start")
    writer = JournalWriter(store, *RUN)
    writer.append(RunStarted(1.0, *RUN, "anna", parameters, code, (step,)))
    writer.append(TaskCreated(1.0, "start", "1"))
    writer.append(AttemptFinished(1.5, "start", "1", 0, ok=True, final=True, manifest=result))
    writer.append(RunFinished(2.0, status))
    writer.close()


def places(store: DirectoryStore) -> Places:
    return Places(store, store.root.parent / "cache", None)


def exported(store: DirectoryStore, path: Path, wanted: Wanted = ALL) -> Path:
    bundling.write(bundling.content(places(store), RUN, wanted), path)
    return path


def brought(path: Path, target: DirectoryStore) -> DirectoryStore:
    bundling.bring(opened(path), target)
    return target


def test_a_run_is_in_another_store_as_it_was(store: DirectoryStore, run: RunName, tmp_path: Path) -> None:
    target = brought(exported(store, tmp_path / "b.tar"), DirectoryStore(tmp_path / "target"))
    assert journal.text(target, *run) == journal.text(store, *run)
    assert {blob.sha256 for blob in store.blobs.every()} <= {blob.sha256 for blob in target.blobs.every()}
    assert target.get(runs.lock_key("5bec")) == b"a lock"
    assert verifying.verify(target).faults == ()
    assert not target.keys(f"{runs.run_key(*run)}/held")


def test_packages_come_along_and_are_had_from_the_store_then(
    store: DirectoryStore, run: RunName, package: LockedPackage, tmp_path: Path
) -> None:
    """They are not put into the store from which the run comes."""
    target = brought(exported(store, tmp_path / "b.tar"), DirectoryStore(tmp_path / "target"))
    assert not store.blobs.has(package.sha256)
    assert [kept.blob for kept in mirror.read(target, *run)] == [package.sha256]
    there = Path(package.url.removeprefix("file://"))
    data = there.read_bytes()
    there.unlink()
    assert PackageCache(tmp_path / "elsewhere", mirror=target.blobs).fetch(package).read_bytes() == data


def test_the_same_run_gives_the_same_bytes(store: DirectoryStore, run: RunName, tmp_path: Path) -> None:
    one, other = exported(store, tmp_path / "one.tar"), exported(store, tmp_path / "other.tar")
    assert one.read_bytes() == other.read_bytes()


def test_an_unpacked_bundle_is_a_store(store: DirectoryStore, run: RunName, tmp_path: Path) -> None:
    with tarfile.open(exported(store, tmp_path / "b.tar")) as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    assert history.read(DirectoryStore(tmp_path / "unpacked"), *run) == history.read(store, *run)


def test_large_values_are_left_out_unless_they_are_asked_for(
    store: DirectoryStore, run: RunName, tmp_path: Path
) -> None:
    content = bundling.content(places(store), run, Wanted())
    assert (content.artifacts, len(content.index.left_out)) == (("large",), 1)
    target = brought(exported(store, tmp_path / "b.tar", Wanted()), DirectoryStore(tmp_path / "target"))
    result = history.read(target, *run).tasks["1"].result
    refs = manifest.read(target.blobs, str(result and result.manifest)).artifacts
    assert manifest.load(target.blobs, refs["small"]) == 1
    assert not target.blobs.has(refs["large"].blob)
    parameters = history.read(target, *run).started
    assert manifest.load(target.blobs, manifest.read(target.blobs, parameters.parameters).artifacts["table"])  # type: ignore[union-attr]
    brought(exported(store, tmp_path / "more.tar", Wanted(frozenset({"large"}))), target)
    assert manifest.load(target.blobs, refs["large"]) == LARGE


def test_a_name_that_no_artifact_has_is_refused(store: DirectoryStore, run: RunName) -> None:
    with pytest.raises(BundleError, match="no artifact `lage`") as refused:
        bundling.content(places(store), run, Wanted(frozenset({"lage"})))
    assert refused.value.hint == "it has `large`, `small`"


def test_what_images_are_made_of_can_be_left_out(
    store: DirectoryStore, run: RunName, package: LockedPackage, tmp_path: Path
) -> None:
    Path(package.url.removeprefix("file://")).unlink()
    assert [lost.what for lost in bundling.content(places(store), run, ALL).lost] == [f"package {package.file_name}"]
    content = bundling.content(places(store), run, Wanted(images=False))
    assert (content.lost, content.index.images) == ((), False)


def test_a_file_that_is_there_is_replaced_by_force_only(store: DirectoryStore, run: RunName, tmp_path: Path) -> None:
    content = bundling.content(places(store), run, ALL)
    (tmp_path / "b.tar").write_text("mine")
    with pytest.raises(BundleError, match="there already"):
        bundling.write(content, tmp_path / "b.tar")
    assert (tmp_path / "b.tar").read_text() == "mine"
    bundling.write(content, tmp_path / "b.tar", force=True)
    assert opened(tmp_path / "b.tar").index.run == run


def test_a_folder_is_neither_written_nor_read(store: DirectoryStore, run: RunName, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is a folder") as refused:
        bundling.write(bundling.content(places(store), run, ALL), tmp_path, force=True)
    assert refused.value.hint == f"name a file in it: `{tmp_path / 'run.tar'}`"
    with pytest.raises(BundleError, match="Is a directory") as unread:
        opened(tmp_path)
    assert unread.value.hint == "name what `dockerflow export` has written"


def test_a_damaged_store_leaves_no_file(store: DirectoryStore, run: RunName, tmp_path: Path) -> None:
    content = bundling.content(places(store), run, ALL)
    large = store.blobs.path(max(store.blobs.every(), key=lambda blob: blob.size).sha256)
    large.chmod(0o644)
    large.write_bytes(b"y" * large.stat().st_size)
    with pytest.raises(StoreError, match="is damaged"):
        bundling.write(content, tmp_path / "b.tar")
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tar" or path.name.startswith(".")] == []


def test_a_run_that_goes_on_is_not_exported(store: DirectoryStore, run: RunName) -> None:
    with runs.hold(store, *run), pytest.raises(BundleError, match="still runs"):
        bundling.content(places(store), run, ALL)


def test_importing_again_changes_nothing(store: DirectoryStore, run: RunName, tmp_path: Path) -> None:
    path, target = exported(store, tmp_path / "b.tar"), DirectoryStore(tmp_path / "target")
    brought(path, target)
    done = bundling.bring(opened(path), target)
    assert (done.runs, done.known, done.blobs) == ((), 1, 0)


def test_another_run_of_the_same_id_is_refused(
    store: DirectoryStore, run: RunName, package: LockedPackage, tmp_path: Path
) -> None:
    target = DirectoryStore(tmp_path / "target")
    make(target, package, values=b"z" * (1 << 17))
    before = journal.text(target, *run)
    with pytest.raises(BundleError, match="is another one than run"):
        brought(exported(store, tmp_path / "b.tar"), target)
    assert journal.text(target, *run) == before


@pytest.mark.parametrize("part", [0.02, 0.5, 0.9])
def test_a_bundle_that_is_cut_off_is_refused(store: DirectoryStore, run: RunName, tmp_path: Path, part: float) -> None:
    path = exported(store, tmp_path / "b.tar")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(BundleError, match="is no bundle"):
        opened(path)


def test_changed_bytes_of_a_blob_are_refused_and_no_run_is_seen(
    store: DirectoryStore, run: RunName, tmp_path: Path
) -> None:
    path = exported(store, tmp_path / "b.tar")
    data = bytearray(path.read_bytes())
    data[data.index(b"xxxx") + 1000] ^= 1
    path.write_bytes(data)
    target = DirectoryStore(tmp_path / "target")
    with pytest.raises(BundleError, match="holds other bytes") as refused:
        brought(path, target)
    assert "fetch the file again" in str(refused.value.hint)
    assert runs.flow_names(target) == [] or runs.run_ids(target, "Films") == []


def test_a_changed_journal_is_refused(store: DirectoryStore, run: RunName, tmp_path: Path) -> None:
    path = exported(store, tmp_path / "b.tar")
    path.write_bytes(path.read_bytes().replace(b'"user":"anna"', b'"user":"evil"'))
    with pytest.raises(BundleError, match="is not what the index says"):
        brought(path, DirectoryStore(tmp_path / "target"))


Change = Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]


def rewritten(path: Path, change: Change) -> Path:
    """The bundle with its members changed by somebody who knows the format."""
    with tarfile.open(path) as tar:
        members = [(member, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]
    change(members)
    with tarfile.open(path, "w") as tar:
        for member, data in members:
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data))
    return path


def add(name: str, kind: bytes = tarfile.REGTYPE) -> Change:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        members.append((member, b"evil" if kind == tarfile.REGTYPE else b""))

    return change


def index(**values: object) -> Change:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        found = {**json.loads(members[0][1]), **values}
        members[0] = (members[0][0], json.dumps(found).encode())

    return change


def index_of(content: bytes) -> Change:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[0] = (members[0][0], content)

    return change


def named(key: str) -> Change:
    """With an object under a key of its own, and a member to it."""

    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        found = json.loads(members[0][1])
        found["objects"][key] = [4, "0" * 64]
        members[0] = (members[0][0], json.dumps(found).encode())
        add(key)(members)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (add("../../evil"), "a member `../../evil` that its index does not have"),
        (add("/etc/evil"), "a member `/etc/evil`"),
        (add("link", tarfile.SYMTYPE), "a member `link`"),
        (add("bundle.json"), "a member `bundle.json`"),
        (named("../evil"), "is not as dockerflow writes it"),
        (named("runs/Films/1795485038814454/../../../evil"), "is not as dockerflow writes it"),
        (named("runs/Other/1795485038814454/claim"), "is not as dockerflow writes it"),
        (named("locks/../evil.yml"), "is not as dockerflow writes it"),
        (index(run=["../x", "1795485038814454"]), "is not as dockerflow writes it"),
        (index(run=["Films"]), "is not as dockerflow writes it"),
        (index(blobs={"../evil": 1}), "is not as dockerflow writes it"),
        (index(blobs={"0" * 64: -1}), "is not as dockerflow writes it"),
        (index(blobs={"0" * 64: float("inf")}), "is not as dockerflow writes it"),
        (index(kind="else"), "another program's"),
        (index_of(b"[" * 100_000), "its `bundle.json` cannot be read"),
        (lambda members: members.pop(), "it lacks 1 of its files"),
        (lambda members: members.pop(0), "does not begin with `bundle.json`"),
        (lambda members: members.append(members[-1]), "that its index does not have"),
    ],
)
def test_members_that_do_not_belong_there_make_it_no_bundle(
    store: DirectoryStore, run: RunName, tmp_path: Path, change: Change, said: str
) -> None:
    path = rewritten(exported(store, tmp_path / "b.tar"), change)
    with pytest.raises(BundleError) as refused:
        opened(path)
    assert said in refused.value.message


def test_a_newer_bundle_is_left_to_a_newer_dockerflow(store: DirectoryStore, run: RunName, tmp_path: Path) -> None:
    path = rewritten(exported(store, tmp_path / "b.tar"), index(version=2))
    with pytest.raises(BundleError, match="newer dockerflow"):
        opened(path)


def test_a_member_with_another_size_is_refused(store: DirectoryStore, run: RunName, tmp_path: Path) -> None:
    def longer(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[-1] = (members[-1][0], members[-1][1] + b"more")

    with pytest.raises(BundleError, match="another size"):
        opened(rewritten(exported(store, tmp_path / "b.tar"), longer))


def test_a_journal_of_another_run_is_refused(store: DirectoryStore, run: RunName, tmp_path: Path) -> None:
    """Somebody has given the whole bundle another name."""

    def renamed(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        for number, (member, data) in enumerate(members):
            member.name = member.name.replace("Films", "Books")
            members[number] = (member, data.replace(b"Films", b"Books") if number == 0 else data)

    path = rewritten(exported(store, tmp_path / "b.tar"), renamed)
    with pytest.raises(BundleError, match="is not that of run `Books/"):
        brought(path, DirectoryStore(tmp_path / "target"))


def test_what_is_no_file_or_no_tar_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    for name, said in (("text", "is no tar"), ("none", "there is no file"), (".", "cannot be read")):
        with pytest.raises(BundleError, match=said):
            opened(tmp_path / name)
