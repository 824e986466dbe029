"""What an S3 server says when it does not do what it was asked, and the errors that become of it.

The codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import re
from html import unescape
from typing import Callable, Dict, NamedTuple

from dockerflow.store.errors import AccessDenied, StoreError
from dockerflow.store.s3.incoming import Incoming
from dockerflow.store.s3.place import Place

# What an answer without a body means, and one whose words are not known.
NO_KEY, EXISTS, NO_RANGE, CONFLICT = "NoSuchKey", "PreconditionFailed", "InvalidRange", "ConditionalRequestConflict"
_BY_STATUS = {403: "AccessDenied", 404: NO_KEY, 409: CONFLICT, 412: EXISTS, 416: NO_RANGE}

# The next try may succeed, whatever the status is.
PASSING_STATUS = frozenset([408, 425, 429, 500, 502, 503, 504])
PASSING = frozenset(
    [
        "SlowDown",
        "SlowDownRead",
        "SlowDownWrite",
        "InternalError",
        "ServiceUnavailable",
        "RequestTimeout",
        "IncompleteBody",
        "OperationAborted",
        "ConditionalRequestConflict",
    ]
)

# Credentials were renewed in between, perhaps.
OUTDATED = frozenset(["ExpiredToken", "InvalidToken", "InvalidTokenId", "TokenRefreshRequired"])

WRONG_REGION = frozenset(
    [
        "PermanentRedirect",
        "MovedPermanently",
        "AuthorizationHeaderMalformed",
        "AuthorizationQueryParametersError",
        "IllegalLocationConstraintException",
    ]
)

# The last is versitygw's word for a key that it does not know.
_DENIED = frozenset(["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound"])


# The longest answer in words that is read.
_LONGEST = 1 << 16


class Refusal(NamedTuple):
    status: int
    code: str
    message: str
    region: str  # where the bucket is, if that was told
    date: str

    def __str__(self) -> str:
        return f"{self.status} `{self.code}`{': ' if self.message else ''}{self.message}"

    @property
    def passing(self) -> bool:
        return self.status in PASSING_STATUS or self.code in PASSING

    @property
    def outdated(self) -> bool:
        return self.code in OUTDATED or (self.status == 403 and "expired" in self.message.lower())

    def error(self, place: Place, asked: str) -> StoreError:
        """`asked` says what was refused: `GET of blobs/…`."""
        return self._explained()(self, place, asked)

    def _explained(self) -> Callable[[Refusal, Place, str], StoreError]:
        if self.code in _EXPLANATIONS:
            return _EXPLANATIONS[self.code]
        if self.code in WRONG_REGION or self.status in (301, 307):
            return _wrong_region
        return _denied if self.code in _DENIED or self.status in (401, 403) or self.outdated else _other


def refusal(answer: Incoming) -> Refusal:
    """Reads the answer to its end. Raises Broken."""
    return refusal_of(answer.status, answer.headers, answer.read(_LONGEST))


def refusal_of(status: int, headers: Dict[str, str], body: bytes) -> Refusal:
    text = body.decode("utf-8", "replace")
    code = _told(text, "Code") or headers.get("x-minio-error-code") or _BY_STATUS.get(status, f"HTTP {status}")
    said = _told(text, "Message") or ("" if "<" in text else " ".join(text.split())[:200])
    message = said or headers.get("x-minio-error-desc", "").strip('"')
    region = _told(text, "Region") or headers.get("x-amz-bucket-region", "")
    return Refusal(status, code, message, region, headers.get("date", ""))


def _told(text: str, name: str) -> str:
    found = re.search(f"<{name}>([^<]*)</{name}>", text)
    return unescape(found.group(1)).strip() if found else ""


def _no_bucket(refused: Refusal, place: Place, asked: str) -> StoreError:
    return StoreError(
        f"there is no bucket `{place.bucket}` on the S3 server `{place.endpoint}`",
        "the settings `store` and `s3_endpoint` name bucket and server",
    )


def _skewed(refused: Refusal, place: Place, asked: str) -> StoreError:
    said = f", which says it is {refused.date}" if refused.date else ""
    return AccessDenied(
        f"this machine's clock differs too much from that of the S3 server `{place.endpoint}`{said}",
        "set both clocks by the network's time, for example with `timedatectl set-ntp true`",
    )


def _wrong_region(refused: Refusal, place: Place, asked: str) -> StoreError:
    where = f"it is in `{refused.region}`" if refused.region else str(refused)
    return StoreError(
        f"the bucket `{place.bucket}` of the S3 server `{place.endpoint}` is not in the region `{place.region}`: "
        f"{where}",
        "name its region with the setting `s3_region`",
    )


def _denied(refused: Refusal, place: Place, asked: str) -> StoreError:
    return AccessDenied(
        f"the S3 server `{place.endpoint}` refuses {asked} in `{place.name}`: {refused}",
        "a step may read blobs and runs of the store and ask its scheduler to write; who runs flows must be allowed to "
        "list the bucket and to get, put and delete objects below the store's prefix",
    )


def _other(refused: Refusal, place: Place, asked: str) -> StoreError:
    hint = None
    if "HTTP request to an HTTPS server" in refused.message:
        hint = f"write `https://` in the setting `s3_endpoint`: {place.endpoint.replace('http://', 'https://')}"
    return StoreError(f"the S3 server `{place.endpoint}` refuses {asked} in `{place.name}`: {refused}", hint)


_EXPLANATIONS = {"NoSuchBucket": _no_bucket, "RequestTimeTooSkewed": _skewed}
