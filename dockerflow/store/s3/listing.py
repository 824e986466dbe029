"""What keys there are: the pages of a listing, and keys to delete, in S3's XML."""

from __future__ import annotations

from datetime import datetime, timezone
from html import escape
from typing import TYPE_CHECKING, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple
from urllib.parse import unquote

from dockerflow.store.errors import StoreError
from dockerflow.store.s3.exchange import Exchange
from dockerflow.store.s3.objects import ObjectInfo
from dockerflow.store.s3.signing import Request

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


class Page(NamedTuple):
    objects: List[ObjectInfo]  # with keys as they are in the bucket
    prefixes: List[str]
    next: Optional[str]


def pages(exchange: Exchange, prefix: str, delimiter: str = "") -> Iterator[Page]:
    """`prefix` as it is in the bucket."""
    query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
    if delimiter:
        query["delimiter"] = delimiter
    token: Optional[str] = None
    while True:
        more = {} if token is None else {"continuation-token": token}
        page = page_of(exchange.ask(Request("GET", None, {**query, **more})).body)
        yield page
        if page.next is None:
            return
        token = page.next


def page_of(body: bytes) -> Page:
    root = parsed(body)
    told = _texts(root)
    encoded = told.get("EncodingType") == "url"
    objects = [_object(each, encoded) for each in _named(root, "Contents")]
    prefixes = [_key(_texts(each).get("Prefix", ""), encoded) for each in _named(root, "CommonPrefixes")]
    more = told.get("IsTruncated") == "true"
    if more and not told.get("NextContinuationToken"):
        raise StoreError("the S3 server says that there are more keys, but not how to get them")
    return Page(objects, prefixes, told["NextContinuationToken"] if more else None)


def parsed(body: bytes) -> Element:
    """Raises StoreError for what is no XML. A server that needs time sends blanks before it has something to say."""
    from xml.etree import ElementTree  # noqa: PLC0415  # most tasks list nothing

    try:
        return ElementTree.fromstring(body.strip())
    except ElementTree.ParseError as error:
        raise StoreError(f"the S3 server's answer is not the XML that was expected: {body[:80]!r}") from error


def text_of(root: Element, name: str) -> str:
    return _texts(root).get(name, "")


def name_of(root: Element) -> str:
    return root.tag.rpartition("}")[2]


def deletion(keys: Iterable[str]) -> bytes:
    """`keys` as they are in the bucket."""
    named = "".join(f"<Object><Key>{escape(key)}</Key></Object>" for key in keys)
    return f"<Delete><Quiet>true</Quiet>{named}</Delete>".encode()


def not_deleted(body: bytes) -> List[Tuple[str, str]]:
    """The keys that an answer says are still there, and why."""
    told = [_texts(each) for each in _named(parsed(body), "Error")] if body.strip() else []
    return [(each.get("Key", ""), each.get("Code", "")) for each in told if each.get("Code") != "NoSuchKey"]


def _object(found: Element, encoded: bool) -> ObjectInfo:
    told = _texts(found)
    try:
        return ObjectInfo(_key(told["Key"], encoded), int(told.get("Size", 0)), _seconds(told["LastModified"]))
    except (KeyError, ValueError) as error:
        raise StoreError(f"the S3 server's listing cannot be read: {told}") from error


def _key(text: str, encoded: bool) -> str:
    return unquote(text.replace("+", " ")) if encoded else text


def _seconds(text: str) -> float:
    """Of `2026-01-31T23:59:59.123Z`, with or without the fraction."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return moment.timestamp() + (float(f"0.{fraction}") if fraction.isdigit() else 0.0)


def _named(root: Element, name: str) -> Iterator[Element]:
    return (each for each in root if name_of(each) == name)


def _texts(root: Element) -> Dict[str, str]:
    return {name_of(each): each.text or "" for each in root}
