"""What a `requirements.txt` asks for: pip's lines with pip's meaning, and every mistake with its line."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from dockerflow.environments.errors import InvalidSpec
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.flow.definition import Pypi
from dockerflow.flow.errors import place
from tests.unit.environments.asking import asked

HOST = "https://host.example"


def read(folder: Path, text: str, indexes: tuple[str, ...] = (), **packages: str) -> EnvironmentSpec:
    path = folder / "requirements.txt"
    path.write_text(textwrap.dedent(text))
    return asked(Pypi(tuple(packages.items()), file=str(path)), flow_file=folder / "flow.py", indexes=indexes)


def test_a_file_as_people_have_it(tmp_path: Path) -> None:
    spec = read(
        tmp_path,
        """\
        # what the model needs
        pandas==2.2.3 \\
            --hash=sha256:{} \\
            --hash sha256:{} --hash=md5:0
        Scikit_Learn >= 1.5, <2   # not 2 yet
        requests[socks,security] ; python_version < "3.13"

        numpy \\
          # why numpy
        a@ https://host.example/a-1.0-py3-none-any.whl
        """.format("a" * 64, "b" * 64),
    )
    assert spec.hashes == (("pandas", ("a" * 64, "b" * 64)),)
    assert spec.pypi == (
        "a @ https://host.example/a-1.0-py3-none-any.whl",
        "numpy",
        "pandas==2.2.3",
        'requests[security,socks]; python_version < "3.13"',
        "scikit-learn<2,>=1.5",
    )
    assert (spec.python, spec.constraints, spec.indexes) == ("", (), ())


def test_the_same_file_in_another_order_and_spelling_is_the_same_spec(tmp_path: Path) -> None:
    one = read(tmp_path, "Pandas>=2,<3\nnumpy[b,a]\n")
    assert one.spec_hash == read(tmp_path, "numpy[A, b] # two\n\npandas <3, >=2\n").spec_hash


def test_files_that_it_names_are_read_from_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "base.txt").write_text("rich\n-r further.txt\n-clocal.txt\n")
    (tmp_path / "deeper" / "further.txt").write_text("numpy\n")
    (tmp_path / "deeper" / "local.txt").write_text("numpy<2\npandas==2.2.3\n")
    spec = read(tmp_path, "pandas\n--requirement=deeper/base.txt\n")
    assert spec.pypi == ("numpy", "pandas", "rich")
    assert spec.constraints == ("numpy<2", "pandas==2.2.3")


def test_packages_that_are_written_out_go_over_the_file(tmp_path: Path) -> None:
    spec = read(tmp_path, "pandas<2\nPANDAS>=1\nnumpy\n", pandas="2.2.3")
    assert spec.pypi == ("numpy", "pandas==2.2.3")


def test_hashes_of_a_package_that_is_written_out_are_those_of_another(tmp_path: Path) -> None:
    text = f"pandas==2.0 --hash=sha256:{'a' * 64}\nnumpy==2.0 --hash=sha256:{'b' * 64}\n"
    assert read(tmp_path, text, pandas="2.2.3").hashes == (("numpy", ("b" * 64,)),)


def test_hashes_change_the_spec(tmp_path: Path) -> None:
    hashed = [read(tmp_path, f"pandas==2.0 {more}\n").spec_hash for more in ("", f"--hash=sha256:{'a' * 64}")]
    assert hashed[0] != hashed[1]


def test_of_one_package_a_file_may_say_several_things(tmp_path: Path) -> None:
    assert read(tmp_path, "pandas<2\npandas>=1\n").pypi == ("pandas<2", "pandas>=1")


def test_python_is_the_python(tmp_path: Path) -> None:
    spec = read(tmp_path, "python>=3.10,<3.13\npandas\n")
    assert (spec.python, spec.pypi) == ("<3.13,>=3.10", ("pandas",))


@pytest.mark.parametrize(
    ("options", "configured", "found"),
    [
        (f"-i {HOST}/a/\n", ("https://b/simple",), (f"{HOST}/a",)),
        (f"--extra-index-url {HOST}/a\n", (), (f"{HOST}/a", "default")),
        (f"--extra-index-url={HOST}/a\n", ("https://b/simple",), (f"{HOST}/a", "https://b/simple")),
        (f"--index-url {HOST}/a\n--extra-index-url {HOST}/c\n", (), (f"{HOST}/c", f"{HOST}/a")),
        ("--prefer-binary\n--only-binary=:all:\n--require-hashes\n", ("https://b/simple",), ("https://b/simple",)),
    ],
)
def test_indexes_are_asked_in_an_order_of_priority(
    options: str, configured: tuple[str, ...], found: tuple[str, ...], tmp_path: Path
) -> None:
    """An extra index goes before the others: who has it has it for packages that nobody else should give."""
    assert read(tmp_path, options + "pandas\n", configured).indexes == found


def test_a_folder_of_wheels_is_asked_like_an_index(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    for text in ("-f wheels\n", f"--find-links {(tmp_path / 'wheels').as_uri()}\n"):
        assert read(tmp_path, text + "pandas\n").indexes == ((tmp_path / "wheels").as_uri(), "default")


@pytest.mark.parametrize("line", ["./a_b-1.0-py3-none-any.whl", "a_b-1.0-py3-none-any.whl ; os_name == 'posix'"])
def test_a_wheel_may_be_named_by_its_path_alone(line: str, tmp_path: Path) -> None:
    wheel = tmp_path / "a_b-1.0-py3-none-any.whl"
    wheel.touch()
    marker = ' ; os_name == "posix"' if ";" in line else ""
    assert read(tmp_path, line + "\n").pypi == (f"a-b @ {wheel.as_uri()}{marker}",)


def test_variables_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDEX_HOST", "host.example")
    assert read(tmp_path, "-i https://${INDEX_HOST}/simple\npandas\n").indexes == (f"{HOST}/simple",)


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe")])
def test_marks_of_an_encoding_are_no_text(encoding: str, mark: bytes, tmp_path: Path) -> None:
    """Some editors and shells write one at the beginning."""
    path = tmp_path / "requirements.txt"
    path.write_bytes(mark + "pandas>=2\r\nnumpy\r\n".encode(encoding))
    assert asked(Pypi(file=str(path))).pypi == ("numpy", "pandas>=2")


@pytest.mark.parametrize(
    ("text", "line", "problem", "hint"),
    [
        ("pandas\n\n>=2\n", 3, "`>=2` is not the requirement of a Python package", "write it like `pandas>=2,<3`"),
        ("pandas=2.2\n", 1, "`pandas=2.2` is not the requirement", "for one version write `==`"),
        ("pandas >> 2\n", 1, "`pandas >> 2` is not the requirement", "write it like"),
        ("a\n-e .\n", 2, "`-e .` would have to be built from source", "`pip wheel`"),
        ("--editable git+https://h/x\n", 1, "would have to be built from source", "`pip wheel`"),
        (".\n", 1, "`.` would have to be built from source", "`pip wheel`"),
        ("rich\n./local\n", 2, "`./local` would have to be built from source", "`pip wheel`"),
        ("./\n", 1, "`./` would have to be built from source", "`pip wheel`"),
        ("git+https://h/x.git@v1\n", 1, "is a repository, and would have to be built", "`pip wheel`"),
        ("x @ git+ssh://git@h/x.git\n", 1, "is a repository, and would have to be built", "`pip wheel`"),
        ("x @ https://h/x-1.tar.gz\n", 1, "is not a wheel, and would have to be built", "`pip wheel`"),
        ("./x-1.0.tar.gz\n", 1, "is not a wheel, and would have to be built", "`pip wheel`"),
        ("x @ file:nowhere-1-py3-none-any.whl\n", 1, "which is not there", "name the wheel"),
        ("not-a-wheel.whl\n", 1, "`not-a-wheel.whl` is not called as wheels are", "do not rename"),
        ("--no-binary :all:\n", 1, "would have to be built from source", "`pip wheel`"),
        ("a --config-settings x=y\n", 1, "`--config-settings` is for builds", "leave it out"),
        ("a --hash=md5:00\n", 1, "there is no sha256 in its `--hash`", "64 hex digits"),
        ("a --hash=sha256:00\n", 1, "there is no sha256 in its `--hash`", "64 hex digits"),
        ("--pre\n", 1, "`--pre` has no counterpart", "`>=2.0rc1`"),
        ("--trusted-host h\n", 1, "is left to uv's own settings", "UV_INSECURE_HOST"),
        ("-f https://h/links.html\n", 1, "is a page of links", "--extra-index-url"),
        ("-f nowhere\n", 1, "there is no folder", "name a folder"),
        ("--no-index\n", 1, "`--no-index` is not known here", "--index-url"),
        ("--colour\n", 1, "`--colour` is no option that is known", "leave it out"),
        ("-r nowhere.txt\n", 1, "which is not there", "check its name"),
        ("-r .\n", 1, "which is a folder", "name the file in it"),
        ("-r https://h/x.txt\n", 1, "which is not on this machine", "download it"),
        ("-r requirements.txt\n", 1, "which includes it in turn", "leave the line out"),
        ("-i host/simple\n", 1, "`-i host/simple` names a package index by what is no", "write it like"),
        ("-i https://me:hushed@h/simple\n", 1, "with credentials in its URL", "netrc"),
        ("--extra-index-url https://hushed@h/simple\n", 1, "with credentials in its URL", "netrc"),
        ("-i https://${SECRET_TOKEN}@h/simple\n", 1, "with credentials in its URL", "netrc"),
        ("x @ https://${SECRET_TOKEN}:x@h/x-1-py3-none-any.whl\n", 1, "may be credentials", "netrc"),
        ("git+https://${SECRET_TOKEN}@h/x.git\n", 1, "is a repository", "`pip wheel`"),
        ("a b ${SECRET_TOKEN}\n", 1, "is not the requirement of a Python package", "write it like"),
        ("-i ${SECRET_TOKEN}@h\n", 1, "`-i ${SECRET_TOKEN}@h` names a package index by what is no", "like"),
        (f"a>=1,<{'9' * 5000}\n", 1, "is in no version that Python packages can have", "write a version"),
        ("-i https://${NOT_SET_ANYWHERE}/simple\n", 1, "the variable `NOT_SET_ANYWHERE` is not set", "set NOT_SET"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    text: str, line: int, problem: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hushed")
    with pytest.raises(InvalidSpec) as caught:
        read(tmp_path, text)
    assert f"requirements.txt:{line}" in caught.value.message
    assert problem in caught.value.message
    assert hint in (caught.value.hint or "")
    assert "hushed" not in str(caught.value)


def test_what_is_not_text_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(b"pandas\n# caf\xe9\n")
    with pytest.raises(InvalidSpec, match="this is not text in UTF-8") as caught:
        asked(Pypi(file=str(path)))
    assert place(str(path), 2) in caught.value.message


def test_a_file_that_is_gone_or_cannot_be_read_is_named(tmp_path: Path) -> None:
    """The flow was read a moment before."""
    for path, problem in ((tmp_path / "gone.txt", "which is not there"), (tmp_path, "which is a folder")):
        with pytest.raises(InvalidSpec, match=problem) as caught:
            asked(Pypi(file=str(path)))
        assert "step `train` (flow.py:12)" in caught.value.message
