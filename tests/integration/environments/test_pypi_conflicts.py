"""What an index cannot give: the whole message, and what to try. uv is real, and so are its words."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from dockerflow.environments.errors import EnvironmentsError, InvalidSpec, PackageIndexError, Unsatisfiable
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from tests.integration.environments.small_channel import SmallChannel
from tests.integration.environments.small_index import SmallIndex
from tests.private_server import SECRET, PrivateServer

Refused = Callable[..., EnvironmentsError]


@pytest.fixture
def refused(channel: SmallChannel, index: SmallIndex) -> Refused:
    """The error for these requirements of the index, on top of conda's libraries."""

    def error(*pypi: str, indexes: tuple[str, ...] = (), **conda: str) -> EnvironmentsError:
        spec: EnvironmentSpec = replace(channel.spec(**conda), pypi=pypi, indexes=indexes or (index.url,))
        with pytest.raises(EnvironmentsError) as caught:
            solve(spec, ("train",))
        return caught.value

    return error


@pytest.fixture
def empty_site(tmp_path: Path) -> Iterator[str]:
    """The URL of a server that has nothing."""
    (tmp_path / "site").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def said(error: EnvironmentsError) -> list[str]:
    return [line for line in error.message.splitlines() if line]


def test_a_package_that_there_is_not(refused: Refused, index: SmallIndex) -> None:
    error = refused("colour")
    assert isinstance(error, Unsatisfiable)
    assert error.message == f"step `train` asks for `colour`, which the package index `{index.url}` does not have"
    assert error.hint == (
        "look at its spelling, and whether the URL is that of an index;"
        " `indexes` in the configuration name other package indexes"
    )


def test_the_name_of_a_module_gives_the_name_of_its_package(refused: Refused) -> None:
    assert refused("sklearn").hint == "did you mean `scikit-learn`?"


def test_a_version_that_there_is_not_gives_the_newest(refused: Refused) -> None:
    error = refused("colours==9")
    assert error.message == (
        "step `train` asks for `colours 9`, and the package index has no such version;"
        " the newest that it could use is 2.1"
    )


def test_a_package_of_sources_is_refused_with_the_ways_out(refused: Refused) -> None:
    error = refused("source==1.0")
    assert error.message == (
        "step `train` needs `source 1.0`, which has no wheel for Python 3.11.9 on linux-64; step images are made of"
        " wheels, for building from source would run the package's own code here"
    )
    assert error.hint == (
        "take `source` from conda with `@conda`, or build the wheel yourself (`pip wheel source==1.0`) and name its"
        " folder in `indexes`"
    )


def test_a_version_of_sources_gives_the_newest_with_a_wheel(refused: Refused) -> None:
    assert str(refused("mixed==2.0").hint).startswith("ask for `mixed 1.0`, which has one, or take `mixed` from conda")


def test_a_package_of_sources_that_another_one_needs_is_refused_with_both(refused: Refused, index: SmallIndex) -> None:
    index.add("wants-source", "1.0", "source")
    index.index()
    error = refused("wants-source")
    assert "needs `source 1.0`, which has no wheel" in error.message
    assert "wants-source depend on source" in error.message


def test_a_package_for_other_pythons_alone_names_them(refused: Refused) -> None:
    error = refused("fast==0.9")
    assert said(error) == [
        "step `train` needs `fast 0.9`, which has no wheel for Python 3.11.9 on linux-64:",
        "  `fast 0.9` has wheels for cp310",
    ]
    assert str(error.hint).startswith("ask for `fast 1.0`, which has one")


def test_a_package_for_other_platforms_alone_names_them(refused: Refused) -> None:
    assert said(refused("windows-only"))[1:] == ["  `windows-only 1.0` has wheels for win_amd64"]


def test_packages_that_exclude_each_other_are_explained(refused: Refused) -> None:
    error = refused("paint", "old-paint")
    text = " ".join(said(error))
    assert text.startswith("step `train` asks for Python packages that exclude each other:")
    assert "all versions of paint depend on colours>=2" in text
    assert "all versions of old-paint depend on colours<2" in text
    assert "the step asks for old-paint and paint" in text
    assert "unsatisfiable" not in text
    assert "we can conclude" not in text


def test_what_conda_brings_is_named_with_the_way_out(refused: Refused) -> None:
    error = refused("plots", numpy="1.26.4")
    assert said(error) == [
        "step `train` asks for Python packages that exclude each other:",
        "  conda brings numpy 1.26.4 and all versions of plots depend on numpy>=2:"
        " so all versions of plots cannot be used",
        "  the step asks for plots",
    ]
    assert error.hint == (
        "`numpy 1.26.4` is conda's and stays: ask for another version of it in `@conda`, for another version of"
        " `plots` in `@pypi`, or take `plots` from conda, too"
    )


@pytest.mark.parametrize("also", [(), ("numpy",)])
def test_a_conda_package_outside_a_range_is_named(also: tuple[str, ...], refused: Refused, index: SmallIndex) -> None:
    """uv words this by the versions that there are not, which would be read as the index's own."""
    index.add("science", "1.11.1", "numpy>=1.21.6,<1.28.0")
    index.index()
    error = refused("science==1.11.1", *also, numpy="2.1.0")
    assert said(error)[1:3] == [
        "  conda brings numpy 2.1.0 and all versions of science depend on numpy>=1.21.6,<1.28.0:"
        " so all versions of science cannot be used",
        "  the step asks for science==1.11.1",
    ]
    assert error.hint == (
        "`numpy 2.1.0` is conda's and stays: ask for another version of it in `@conda`, for another version of"
        " `science` in `@pypi`, or take `science` from conda, too"
    )


def test_an_extra_that_there_is_not_is_refused(refused: Refused) -> None:
    error = refused("tables[nope]", numpy="1.26.4")
    assert error.message == "step `train` asks for `tables[nope]`, and `tables` has no extra `nope`"


def test_a_module_whose_name_has_sources_alone_gives_the_name_of_its_package(
    refused: Refused, index: SmallIndex
) -> None:
    index.add_source("sklearn", "0.0.post12")
    index.index()
    assert str(refused("sklearn").hint).startswith("ask for `scikit-learn`, which has the module `sklearn`, or ")


def test_a_url_that_is_no_index_is_named(refused: Refused, empty_site: str) -> None:
    error = refused("colours", indexes=(f"{empty_site}/nope",))
    assert f"which the package index `{empty_site}/nope` does not have" in error.message
    assert "whether the URL is that of an index" in str(error.hint)


def test_a_wheel_that_is_not_there_is_no_index(refused: Refused, empty_site: str) -> None:
    url = f"{empty_site}/colours-1.0-py3-none-any.whl"
    error = refused(f"colours @ {url}")
    assert error.message == f"there is no wheel at `{url}`: 404 File not found (step `train`)"


def test_the_same_package_in_two_versions_is_refused_before_anything_is_asked(refused: Refused) -> None:
    error = refused("numpy==2.1.0", numpy="1.26.4")
    assert isinstance(error, InvalidSpec)
    assert error.message == "step `train` asks for `numpy 1.26.4` in `@conda` and for `numpy==2.1.0` in `@pypi`"
    assert error.hint == "keep one of the two: an environment has `numpy` once"


def test_an_extra_of_what_conda_brings_is_refused(refused: Refused) -> None:
    error = refused("numpy[fast]", numpy="")
    assert error.message == (
        "step `train` needs `numpy[fast]` from a package index, but conda brings `numpy 2.1.0`, and conda's packages"
        " have no extras"
    )


def test_version_control_is_refused_without_being_asked(refused: Refused) -> None:
    error = refused("paint @ git+https://token:x@host.invalid/paint")
    assert isinstance(error, InvalidSpec)
    assert "from version control" in error.message
    assert "token" not in str(error)


def test_an_index_where_nobody_listens(refused: Refused) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/simple"
    error = refused("paint", indexes=(url,))
    assert isinstance(error, PackageIndexError)
    assert error.message == (
        f"the package index `{url}` does not answer: Connection refused (os error 111) (step `train`)"
    )
    assert error.hint == "`indexes` in the configuration name other package indexes"


def test_an_index_that_wants_credentials(refused: Refused, index: SmallIndex) -> None:
    with PrivateServer(index.folder, "basic") as server:
        error = refused("paint", indexes=(f"{server.url}/simple",))
    assert isinstance(error, PackageIndexError)
    assert "401 Unauthorized (step `train`)" in error.message
    assert f"{server.url}/simple" in error.message
    assert error.hint == "put its credentials into `~/.netrc`: `machine 127.0.0.1 login NAME password SECRET`"


def test_credentials_that_are_wrong_are_in_no_message(
    refused: Refused, index: SmallIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login nobody password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with PrivateServer(index.folder, "basic") as server:
        server.let_nobody_in()
        error = refused("paint", indexes=(f"{server.url}/simple",))
    assert isinstance(error, PackageIndexError)
    assert SECRET not in str(error)


def test_a_requirement_that_is_none_is_not_a_traceback(channel: SmallChannel, index: SmallIndex) -> None:
    """`request` refuses such words before; what uv says of them is shown all the same."""
    index.add("odd", "1.0", "not a requirement at all ===")
    index.index()
    with pytest.raises(EnvironmentsError, match="step `train`"):
        solve(replace(channel.spec(), pypi=("odd",), indexes=(index.url,)), ("train",))


def test_a_folder_that_is_not_there_is_no_index(refused: Refused, tmp_path: Path) -> None:
    error = refused("colours", indexes=((tmp_path / "wheels").as_uri(),))
    assert isinstance(error, PackageIndexError)
    assert error.message == f"the folder `{tmp_path / 'wheels'}`, which is named as a package index, is not there"
