"""`dockerflow up` and `down`: the object server of this machine, its credentials, and the settings that name it.

Called again, `up` finds out what is there and does the rest. What was computed stays over a `down`: it is in the
server's volume, which only `remove_data` takes away, and with it the credentials and the settings.
"""

from __future__ import annotations

import configparser
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import minio as sdk
from minio.error import MinioException

from dockerflow.config import Config, project_file, set_in_file, unset_in_file, user_file
from dockerflow.engines.docker import DockerHost
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setup import engine, minio_image, minio_server
from dockerflow.setup.errors import EngineNotReady, ServiceNotReady
from dockerflow.setup.finding import Finding, Notify, ignore
from dockerflow.setup.minio_server import DESKTOP_HOST, Keys, Service
from dockerflow.store import files

BUCKET = "dockerflow"
STORE = f"s3://{BUCKET}"
REGION = "us-east-1"  # MinIO's own
SUBJECT = "minio"
SETTINGS = "settings"

# What `up` writes, and `down --volumes` takes out again.
WRITTEN = ("store", "s3_endpoint", "s3_containers_endpoint", "s3_credentials")


@dataclass(frozen=True)
class Wanted:
    """`port` None: the one that it had, or MinIO's usual. `settings`: the file of settings to write."""

    settings: Path
    port: int | None = None
    name: str = minio_server.NAME


def settings_file(start: Path, for_user: bool) -> Path:
    """The project's file of settings, found from `start` upwards or made there, or the user's."""
    return user_file() if for_user else project_file(start) or start / ".dockerflow" / "config.yaml"


def credentials_file(name: str = minio_server.NAME) -> Path:
    """Where the keys of the server are: with the user's settings, for nobody else to read."""
    return user_file().parent / f"{name}.credentials"


def up(config: Config, wanted: Wanted, notify: Notify = ignore) -> list[Finding]:
    """Start the server and write down how to reach it; what was found and done, in order.

    Raises SetupError for what keeps it from running, EngineError for what the engine refuses.
    """
    findings = []
    for finding in _up(config, wanted, notify):
        notify(finding)
        findings.append(finding)
    return findings


def _up(config: Config, wanted: Wanted, notify: Notify) -> Iterator[Finding]:
    host = _engine(config)
    made = minio_image.ensure(host, config.data_dir / "programs", notify)
    if made is not None:
        yield made
    network = "bridge" if config.network in ("none", "host") else config.network
    service = Service(network, wanted.port or _port(config), wanted.name)
    root = keys(wanted.name)
    if minio_server.find(host, wanted.name) is None:
        notify(Finding(SUBJECT, "doing", "starting MinIO"))
    started = minio_server.start(host, service, root)
    seen_inside = minio_server.reach(host, service)
    text = f"answers at {service.endpoint}, in containers at {seen_inside}; its data is in the volume `{wanted.name}`"
    yield Finding(SUBJECT, "made" if started else "ok", f"MinIO {text}")
    new_bucket = _make_bucket(service, root)
    yield Finding("store", "made" if new_bucket else "ok", f"the bucket `{BUCKET}`")
    yield _write_settings(config, wanted, service, seen_inside)


def down(config: Config, start: Path, remove_data: bool = False, name: str = minio_server.NAME) -> list[Finding]:
    """End the server; with `remove_data` also its volume, its credentials and the settings that `up` wrote."""
    host = _engine(config)
    ended = minio_server.remove(host, name)
    kept = minio_server.has_data(host, name) and not remove_data
    text = "ended MinIO" if ended else "MinIO does not run"
    if kept:
        text += f"; its data is in the volume `{name}`, and `dockerflow up` starts it again"
    findings = [Finding(SUBJECT, "made" if ended else "ok", text)]
    if remove_data:
        if minio_server.remove_data(host, name):
            findings.append(Finding(SUBJECT, "made", f"removed the volume `{name}`, and all runs in it"))
        findings += _forget(start, name)
    return findings


def _engine(config: Config) -> DockerHost:
    host, found = engine.look(config)
    if host is None:
        raise EngineNotReady(found.text, found.hint)
    if not host.url.startswith(("unix://", "npipe://")):
        raise EngineNotReady(
            f"the engine at `{host.url}` is on another machine, and `dockerflow up` starts a server on this one",
            "run it there, and name that server with the settings `store` and `s3_endpoint`",
        )
    return host


def _port(config: Config) -> int:
    """The port that an earlier `up` wrote down, or MinIO's usual."""
    before, _, port = (config.s3_endpoint or "").rpartition(":")
    is_ours = config.store == STORE and before == f"http://{minio_server.LOOPBACK}" and port.isdigit()
    return int(port) if is_ours else minio_image.PORT


def keys(name: str = minio_server.NAME) -> Keys:
    """The server's keys, made and written down when it is started for the first time."""
    path = credentials_file(name)
    if not path.exists():
        made = Keys(f"dockerflow-{secrets.token_hex(4)}", secrets.token_urlsafe(30))
        text = f"[default]\naws_access_key_id = {made.access_key}\naws_secret_access_key = {made.secret_key}\n"
        _write_private(path, text)
        return made
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text())
        return Keys(parser["default"]["aws_access_key_id"], parser["default"]["aws_secret_access_key"])
    except (configparser.Error, KeyError, UnicodeDecodeError):
        # The parser's own words would quote the line, which may be the secret.
        raise ServiceNotReady(
            f"the credentials of MinIO in `{path}` cannot be read", "remove the file: `dockerflow up` makes new ones"
        ) from None


def _write_private(path: Path, text: str) -> None:
    with files.temporary(path.parent) as unfinished:
        os.fchmod(unfinished.fileno(), 0o600)
        unfinished.write(text.encode())
        unfinished.flush()
        files.move(Path(unfinished.name), path)


def _make_bucket(service: Service, root: Keys) -> bool:
    """Whether it was not there yet."""
    client = sdk.Minio(
        service.endpoint.removeprefix("http://"), root.access_key, root.secret_key, secure=False, region=REGION
    )
    try:
        if client.bucket_exists(BUCKET):
            return False
        client.make_bucket(BUCKET)
    except MinioException as error:
        raise ServiceNotReady(
            f"MinIO does not make the bucket `{BUCKET}`: {error}",
            f"if its credentials were changed, `dockerflow down` and `dockerflow up` give it those in"
            f" `{credentials_file(service.name)}`",
        ) from None
    return True


def _write_settings(config: Config, wanted: Wanted, service: Service, seen_inside: str) -> Finding:
    if config.store is not None and config.store != STORE:
        return Finding(
            SETTINGS,
            "ok",
            f"`store` stays `{config.store}` ({config.source('store')})",
            f"to use MinIO, take that out and call `dockerflow up` again, or say `--store {STORE}`",
        )
    values = {
        "store": STORE,
        "s3_endpoint": service.endpoint,
        "s3_credentials": _short(credentials_file(wanted.name)),
    }
    if DESKTOP_HOST in seen_inside:  # otherwise it follows from the network that steps are in
        values["s3_containers_endpoint"] = seen_inside
    before = wanted.settings.read_text() if wanted.settings.exists() else None
    for setting, value in values.items():
        set_in_file(wanted.settings, setting, value)
    is_new = wanted.settings.read_text() != before
    return Finding(SETTINGS, "made" if is_new else "ok", f"runs use `{STORE}`: {_short(wanted.settings)} says so")


def _short(path: Path) -> str:
    home = Path(os.path.expanduser("~"))
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _forget(start: Path, name: str) -> Iterator[Finding]:
    """Remove the credentials, and the settings from files where they name these."""
    path = credentials_file(name)
    for settings in filter(None, (project_file(start), user_file())):
        if settings.is_file() and _short(path) in settings.read_text():
            unset_in_file(settings, WRITTEN)
            yield Finding(SETTINGS, "made", f"took `{STORE}` out of {_short(settings)}")
    path.unlink(missing_ok=True)
