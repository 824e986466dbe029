"""What an S3 server or the way to it says, as errors of ours: what happened, where, and what to do.

This is the one place where the exceptions of the SDK and of its connections are known. What may succeed the next time
becomes `Again`, for `patience`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, NewConnectionError, SSLError

from dockerflow.buckets.errors import NoBucket, WrongRegion
from dockerflow.buckets.patience import Again
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.errors import AccessDenied, StoreError
from dockerflow.store.names import SECRETS
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.refusals import OUTDATED, PASSING, PASSING_STATUS, WRONG_REGION

# Everything that the SDK and its connections raise; ValueError where an answer has not the form that it expects.
FOREIGN = (MinioException, HTTPError, ParseError, ValueError, OSError)


@dataclass(frozen=True)
class Server:
    """Whom we speak to and as whom, for messages."""

    place: Place
    source: str  # of the credentials

    @property
    def endpoint(self) -> str:
        return self.place.endpoint


def translate(error: BaseException, server: Server) -> NoReturn:
    """Raises Again for what is worth another try, else an error of ours in place of `error`, one of FOREIGN."""
    if isinstance(error, MaxRetryError) and error.reason is not None:
        translate(error.reason, server)
    if isinstance(error, S3Error):
        _refused(error, server)
    if isinstance(error, SSLError):
        _insecure(error, server)
    if isinstance(error, (ServerError, InvalidResponseError)):
        _not_in_words(error, server)
    if isinstance(error, (HTTPError, OSError)):
        raise Again(_reason(error) + _perhaps_tls(error, server)) from error
    raise _no_s3(server, f"its answer cannot be read: {error}") from error


def _refused(error: S3Error, server: Server) -> NoReturn:
    code, status = error.code or "", error.response.status
    if status in PASSING_STATUS or code in PASSING:
        raise Again(f"it answered `{code}`: {error.message}") from error
    explain = _EXPLANATIONS.get(code)
    if explain is None and status == 403:
        explain = _denied
    if explain is None:
        said = f"`{code}`: {error.message}" if error.message else f"`{code}`"
        raise StoreError(f"the S3 server `{server.endpoint}` refused what was asked: {said}") from error
    raise explain(error, server) from None


def _no_bucket(error: S3Error, server: Server) -> StoreError:
    return NoBucket(
        f"there is no bucket `{server.place.bucket}` on the S3 server `{server.endpoint}`",
        "a command that writes, such as `dockerflow run`, makes it where the server is not AWS; the settings `store` "
        "and `s3_endpoint` name bucket and server",
    )


def _wrong_name(error: S3Error, server: Server) -> StoreError:
    return StoreError(
        f"the S3 server `{server.endpoint}` takes no bucket of the name `{server.place.bucket}`: "
        f"{error.message or error.code}",
        "a bucket's name has 3 to 63 small letters, digits, `-` and `.`; the setting `store` or `--store` names it",
    )


def _unknown_key(error: S3Error, server: Server) -> StoreError:
    return AccessDenied(
        f"the S3 server `{server.endpoint}` does not know the access key of {server.source}",
        f"are these credentials for another server? If so, {SECRETS}",
    )


def _wrong_secret(error: S3Error, server: Server) -> StoreError:
    return AccessDenied(
        f"the S3 server `{server.endpoint}` knows the access key of {server.source}, but the secret key is another",
        "compare the secret key with the one that the server has",
    )


def _expired(error: S3Error, server: Server) -> StoreError:
    return AccessDenied(
        f"the S3 server `{server.endpoint}` no longer takes the session token of {server.source}: {error.message}",
        "get new temporary credentials",
    )


def _denied(error: S3Error, server: Server) -> StoreError:
    return AccessDenied(
        f"the S3 server `{server.endpoint}` does not allow {server.source} what was asked in `{server.place.name}`: "
        f"{error.message or error.code}",
        "who runs flows must be allowed to list the bucket and to get, put and delete objects below the store's prefix",
    )


def _skewed(error: S3Error, server: Server) -> StoreError:
    theirs = clock_of(error.response.headers)
    said = f", which says it is {theirs}" if theirs else ""
    return StoreError(
        f"this machine's clock differs too much from that of the S3 server `{server.endpoint}`{said}",
        "set both clocks by the network's time, for example with `timedatectl set-ntp true`",
    )


def _wrong_region(error: S3Error, server: Server) -> StoreError:
    region = region_of(error)
    where = f"it is in `{region}`" if region else f"{error.message or error.code}"
    return WrongRegion(
        f"the bucket `{server.place.bucket}` of the S3 server `{server.endpoint}` is not in the region "
        f"`{server.place.region}`: {where}",
        f"name it with the setting `s3_region`{f': {region}' if region else ''}",
        region,
    )


def _other_bytes(error: S3Error, server: Server) -> StoreError:
    return StoreError(
        f"the S3 server `{server.endpoint}` got other bytes than were to be stored",
        "what was sent changed while it was read, or on its way: try again",
    )


def _full(error: S3Error, server: Server) -> StoreError:
    return StoreError(f"the S3 server `{server.endpoint}` has no room left: {error.message}", "make room there")


_EXPLANATIONS: dict[str, Callable[[S3Error, Server], StoreError]] = {
    "NoSuchBucket": _no_bucket,
    "InvalidBucketName": _wrong_name,
    "InvalidAccessKeyId": _unknown_key,
    "XAdminUserNotFound": _unknown_key,
    "SignatureDoesNotMatch": _wrong_secret,
    **dict.fromkeys(sorted(OUTDATED), _expired),
    "AccessDenied": _denied,
    "AllAccessDisabled": _denied,
    "RequestTimeTooSkewed": _skewed,
    **dict.fromkeys(sorted({*WRONG_REGION, "Redirect"}), _wrong_region),
    "BadDigest": _other_bytes,
    "XAmzContentSHA256Mismatch": _other_bytes,
    "XMinioStorageFull": _full,
    "QuotaExceeded": _full,
}


def region_of(error: S3Error) -> str | None:
    """The region that the server would have expected, where it says so."""
    text = (error.response.data or b"").decode("utf-8", "replace")
    found = re.search(r"<Region>([\w-]+)</Region>", text) or re.search(r"expecting '([\w-]+)'", text)
    told = error.response.headers.get("x-amz-bucket-region")
    return told or (found.group(1) if found else None)


def clock_of(headers: Any) -> str:
    """The server's clock in words; empty where it has not told it."""
    try:
        return parsedate_to_datetime(headers.get("date") or "").strftime("%Y-%m-%d %H:%M:%S UTC")
    except (TypeError, ValueError):
        return ""


def _insecure(error: SSLError, server: Server) -> NoReturn:
    said = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in said:
        reason = re.sub(r".*certificate verify failed: ", "", said).partition(" (")[0]
        raise StoreError(
            f"the certificate of the S3 server `{server.endpoint}` is not trusted: {reason}",
            "name the file of the authority that signed it, in PEM, with the setting `s3_ca`",
        ) from error
    if "WRONG_VERSION_NUMBER" in said or "RECORD_LAYER" in said or "HTTP_REQUEST" in said:
        raise StoreError(
            f"the S3 server `{server.endpoint}` does not speak TLS",
            f"write `http://` in the setting `s3_endpoint`: {server.endpoint.replace('https://', 'http://')}",
        ) from error
    raise Again(_reason(error)) from error


def _perhaps_tls(error: BaseException, server: Server) -> str:
    """Some servers only hang up on who does not speak TLS."""
    hung_up = "RemoteDisconnected" in str(error) and server.endpoint.startswith("http://")
    return "; it may want `https://`" if hung_up else ""


def _not_in_words(error: ServerError | InvalidResponseError, server: Server) -> NoReturn:
    """An answer without the words of S3: of a proxy, or of something else than an S3 server."""
    status = error.status_code if isinstance(error, ServerError) else error._code
    if status in PASSING_STATUS:
        raise Again(f"it answered with the status {status}") from error
    if "HTTP request to an HTTPS server" in str(error):
        raise StoreError(
            f"the S3 server `{server.endpoint}` speaks TLS",
            f"write `https://` in the setting `s3_endpoint`: {server.endpoint.replace('http://', 'https://')}",
        ) from error
    raise _no_s3(server, f"it answered with the status {status}, not in the words of S3") from error


def _no_s3(server: Server, why: str) -> StoreError:
    return StoreError(
        f"what answers at `{server.endpoint}` is no S3 server: {why}",
        "look at the setting `s3_endpoint`; MinIO has its web console at another port than S3",
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, NameResolutionError):
        return "its name is not known here"
    if isinstance(error, NewConnectionError):
        cause = error.__cause__ or error.__context__
        return getattr(cause, "strerror", None) or "nothing can be connected to"
    return " ".join(str(error).split())[:200] or type(error).__name__
