"""What becomes of one text that may hold personal data. Pure; every action takes time linear in the text.

All actions but pseudonymise are idempotent, so data that an SDK or collector already cleaned stays as it is.
An empty text holds nothing personal and stays empty.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

REDACTED = "REDACTED"
_KNOWN_TEXTS, _KNOWN_BYTES = 1 << 16, 64  # pseudonyms remembered, of texts of at most so many bytes


def transform(action: str, text: str, key: bytes) -> str | None:
    """The text after a privacy action (one of rules.ACTIONS); None when it is dropped."""
    return ACTIONS[action](text, key) if text else None if action == "drop" else text


def pseudonymise(text: str, key: bytes) -> str:
    """Keyed HMAC-SHA256, first 32 hex digits: equal texts stay equal, and nobody without the key can guess them."""
    return pseudonyms([text.encode()], key)[0].hex()


def pseudonyms(texts: Sequence[bytes], key: bytes) -> list[bytes]:
    """The 16 bytes of each text's pseudonym. The same people come again, so short texts of before are looked up."""
    known = _known(key)
    found = [known.get(text, b"") for text in texts]
    missing = [i for i, digest in enumerate(found) if not digest]
    if len(known) + len(missing) > _KNOWN_TEXTS:
        known.clear()
    keyed_inner, keyed_outer = _hmac_starts(key)
    for i in missing:
        inner, outer = keyed_inner.copy(), keyed_outer.copy()
        inner.update(texts[i])
        outer.update(inner.digest())
        found[i] = outer.digest()[:16]
        if len(texts[i]) <= _KNOWN_BYTES:
            known[texts[i]] = found[i]
    return found


@lru_cache(maxsize=4)
def _known(_key: bytes) -> dict[bytes, bytes]:
    """Pseudonyms of texts seen before, by text: some 12 MB at most."""
    return {}


@lru_cache(maxsize=8)
def _hmac_starts(key: bytes) -> tuple[Any, Any]:
    """RFC 2104's inner and outer hash with the key already in: a third of the time of a whole HMAC a text."""
    block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
    return hashlib.sha256(bytes(b ^ 0x36 for b in block)), hashlib.sha256(bytes(b ^ 0x5C for b in block))


# What a user agent contains → its family; the first match wins. Browsers name those they descend from, so the most
# specific stand first. A family's own name leads to itself.
SPECIAL_FAMILIES = (
    ("kube-probe", "kube-probe"),
    ("googlehc", "GoogleHC"),
    ("elb-healthchecker", "ELB-HealthChecker"),
    ("lighthouse", "Lighthouse"),
    ("headlesschrome", "HeadlessChrome"),
    ("phantomjs", "PhantomJS"),
    ("synthetic", "Synthetic"),
    ("bot", "Bot"),
    ("crawler", "Bot"),
    ("spider", "Bot"),
    ("slurp", "Bot"),
    ("facebookexternalhit", "Bot"),
    ("curl", "curl"),
    ("wget", "Wget"),
    ("postman", "Postman"),
    ("insomnia", "Insomnia"),
    ("python-requests", "python-requests"),
    ("python-httpx", "python-httpx"),
    ("python-urllib", "Python-urllib"),
    ("aiohttp", "aiohttp"),
    ("okhttp", "okhttp"),
    ("go-http-client", "Go-http-client"),
    ("apache-httpclient", "Apache-HttpClient"),
    ("java-http-client", "Java-http-client"),
    ("axios", "axios"),
    ("node-fetch", "node-fetch"),
    ("undici", "undici"),
    ("dart", "Dart"),
    ("cfnetwork", "CFNetwork"),
    ("grpc", "gRPC"),
    ("edge", "Edge"),
    ("edg/", "Edge"),
    ("edga/", "Edge"),
    ("edgios/", "Edge"),
    ("opr/", "Opera"),
    ("opera", "Opera"),
    ("samsungbrowser", "Samsung Internet"),
    ("samsung internet", "Samsung Internet"),
    ("yabrowser", "Yandex Browser"),
    ("yandex browser", "Yandex Browser"),
    ("vivaldi", "Vivaldi"),
    ("brave", "Brave"),
)
COMMON_FAMILIES = (
    ("firefox", "Firefox"),
    ("fxios", "Firefox"),
    ("chrome", "Chrome"),
    ("chromium", "Chrome"),
    ("crios", "Chrome"),
    ("msie", "Internet Explorer"),
    ("trident", "Internet Explorer"),
    ("internet explorer", "Internet Explorer"),
    ("safari", "Safari"),
    ("applewebkit", "Safari"),
)
_FAMILIES = SPECIAL_FAMILIES + COMMON_FAMILIES


def browser_family(text: str, _key: bytes = b"") -> str:
    """Family of a browser or client, without version, device and system; Other when it is not in the list."""
    return family_of(text, _FAMILIES)


def family_of(text: str, families: Sequence[tuple[str, str]]) -> str:
    """Family of the first token in the text; Other without one."""
    lower = text.lower()
    for token, family in families:
        if token in lower:
            return family
    return "Other"


_AUTHORITY = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]{0,31}:)?//)([^/?#]*@)?")
_QUERY_PAIR = re.compile(r"([^&;=]*)(=?)([^&;]*)")
_PARAMETER_NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,40}")
_PATH_PARAMETER = re.compile(r";([^;/=]*)=([^;/]*)")
_PATH_TOKEN = re.compile(r"(?<![A-Za-z0-9_.~+=%-])[A-Za-z0-9_.~+=%-]{24,}")
_LONG_RUN = re.compile(r"[A-Za-z0-9]{16,}")


def redact_url(text: str, _key: bytes = b"") -> str:
    """A URL, a request target or a bare query string, without what people put into it.

    User info and the values of query string and fragment become REDACTED (the names of parameters stay); so do e-mail
    addresses and token-like parts of the path. Numeric ids, UUIDs and words in the path stay.
    """
    if not _AUTHORITY.match(text) and not text.startswith("/") and _is_query(text):
        return _redact_query(text)
    rest, hash_mark, fragment = text.partition("#")
    path, question_mark, query = _split_query(rest)
    return f"{_redact_path(path)}{question_mark}{_redact_query(query)}{hash_mark}{_redact_query(fragment)}"


# A "?" in a group of a regular expression starts no query: frameworks send routes such as (?P<pk>\d+) as targets.
_QUESTION_MARK = re.compile(r"\?(?!(?<=\(\?)(?:P<|:))")


def _split_query(text: str) -> tuple[str, str, str]:
    """(path, "?", query), or (text, "", "")."""
    found = _QUESTION_MARK.search(text)
    return (text[: found.start()], "?", text[found.end() :]) if found else (text, "", "")


def _is_query(text: str) -> bool:
    head = re.split(r"[/?#]", text, maxsplit=1)[0]
    return "=" in head or "&" in head


def _redact_query(query: str) -> str:
    return redact_emails(_QUERY_PAIR.sub(_redact_pair, query))


def _redact_pair(pair: re.Match[str]) -> str:
    """`name=REDACTED`; all of it when there is no value (it may be a token, "=" its padding) or no plain name."""
    name, equals, value = pair.groups()
    if value and equals and _PARAMETER_NAME.fullmatch(name) and not _is_token(name):
        return f"{name}={REDACTED}"
    return REDACTED if name or value else equals


def _redact_path(path: str) -> str:
    path = _AUTHORITY.sub(lambda found: found[1] + (f"{REDACTED}@" if found[2] else ""), path, count=1)
    path = _PATH_PARAMETER.sub(lambda found: f";{found[1]}={REDACTED}", redact_emails(path))
    return _PATH_TOKEN.sub(lambda found: REDACTED if _is_token(found[0]) else found[0], path)


def _is_token(part: str) -> bool:
    """True for what looks random: 16 letters and digits in a row, both among them, in 24 characters or more.

    UUIDs, numbers, host names and file names made of words are not."""
    if len(part) < 24:
        return False
    runs = _LONG_RUN.findall(part)
    return any(not run.isalpha() and not run.isdigit() for run in runs)


_MAX_PASSES = 8  # what one rule leaves can look like a token to another, so they run until nothing changes
_URL = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,31}://[^\s\"'<>\\]+")
_RELATIVE_QUERY = re.compile(r"\?(?=[A-Za-z_][A-Za-z0-9_.\[\]-]{0,39}=)([^\s\"'<>\\#?]+)")
_JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?")
_BEARER = re.compile(r"(?i)(?<![A-Za-z0-9])(bearer[ \t]{1,8})[A-Za-z0-9._~+/=-]{8,}")
_VALUE = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?:(?:basic|bearer|digest|token)[ \t]{1,8})?[^\s"'&,;<>(){}]+)"""
_PLACEHOLDER = r"""(?!\?|%s|%\(|\$\d|:[a-z]|null\b)"""
# Looked for from a letter or sign on that few texts have: what stands before the name in its word changes nothing, and
# trying every word is some hundred times slower.
_SECRET = re.compile(
    r"""(?i)(?=[pscari])
    ((?:password|passwd|passphrase|pwd|secret|authorization|api[_-]?key|access[_-]?key|private[_-]?key|credential
       |access[_-]?token|refresh[_-]?token|id[_-]?token|auth[_-]?token|session[_-]?token|csrf[_-]?token)
    s?["']?[ \t]{0,8}[:=][ \t]{0,8})"""
    + _PLACEHOLDER + f"({_VALUE})",
    re.VERBOSE,
)  # fmt: skip
_SECRET_SIGNS = (
    *("passw", "passphrase", "pwd", "secret", "authorization", "credential"),
    *(f"{of}{dash}key" for of in ("api", "access", "private") for dash in ("", "_", "-")),
    *(f"{of}{dash}token" for of in ("access", "refresh", "id", "auth", "session", "csrf") for dash in ("", "_", "-")),
)
_TOKEN_NAMES = ("token", "key", "auth", "sid", "sessionid", "signature", "sig", "jwt")
_TOKEN = re.compile(
    f"(?i)=(?:{'|'.join(f'(?<={name}=)(?<![A-Za-z0-9]{name}=)' for name in _TOKEN_NAMES)}){_PLACEHOLDER}"
    r"""[^\s"'&,;<>(){}]+"""
)


def redact_text(text: str, _key: bytes = b"") -> str:
    """A message without e-mail addresses, tokens (Bearer, JWT, password=…, api_key: …) and what URLs in it carry.

    All of it where the rules do not come to an end: no message of a program, as far as is known."""
    for _ in range(_MAX_PASSES):
        cleaned = _redact_text_once(text)
        if cleaned == text:
            return text
        text = cleaned
    return REDACTED


def _redact_text_once(text: str) -> str:
    for signs, redact in _TEXT_STEPS:
        folded = text.casefold()
        if any(sign in folded for sign in signs):
            text = redact(text)
    return redact_emails(text)


def _redact_value(found: re.Match[str]) -> str:
    quote = found[2][0] if found[2][0] in "\"'" else ""
    return f"{found[1]}{quote}{REDACTED}{quote}"


# (what a text must contain for a step to change anything, the step): looking for a few words is far cheaper.
_TEXT_STEPS: tuple[tuple[tuple[str, ...], Callable[[str], str]], ...] = (
    (("://",), lambda text: _URL.sub(lambda found: redact_url(found[0]), text)),
    (("?",), lambda text: _RELATIVE_QUERY.sub(lambda found: "?" + _redact_query(found[1]), text)),
    (("eyj",), lambda text: _JWT.sub(REDACTED, text)),
    (("bearer",), lambda text: _BEARER.sub(rf"\1{REDACTED}", text)),
    (_SECRET_SIGNS, lambda text: _SECRET.sub(_redact_value, text)),
    (tuple(f"{name}=" for name in _TOKEN_NAMES), lambda text: _TOKEN.sub(f"={REDACTED}", text)),
)


_AT = re.compile(r"@|%40")
_LOCAL_BACKWARDS = re.compile(r"[^\s@/?#&=<>()\[\]{},;:\"'\\]{1,64}")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,62})\.)+[^\W\d_]{2,24}")


def redact_emails(text: str) -> str:
    """The text with every e-mail address replaced. Looks outwards from each "@" (or %40), so that time stays linear.

    REDACTED@host is what redact_url leaves of user info: its host stays."""
    kept, end = [], 0
    for at in _AT.finditer(text) if "@" in text or "%40" in text else ():
        before = text[max(end, at.start() - 64) : at.start()]
        local = _LOCAL_BACKWARDS.match(before[::-1])
        domain = _DOMAIN.match(text, at.end())
        if at.start() >= end and local and domain and not local[0][::-1].endswith(REDACTED):
            kept += [text[end : at.start() - local.end()], REDACTED]
            end = domain.end()
    return "".join([*kept, text[end:]])


def drop(_text: str, _key: bytes = b"") -> None:
    """Nothing: the pair disappears."""


ACTIONS: dict[str, Callable[[str, bytes], str | None]] = {
    "pseudonymise": pseudonymise,
    "browser_family": browser_family,
    "redact_url": redact_url,
    "redact_text": redact_text,
    "drop": drop,
}
