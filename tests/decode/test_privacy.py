"""What each privacy action leaves of a text."""

import hashlib
import hmac
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.decode.privacy import pseudonyms, transform
from pipelines.decode.rules import ACTIONS

KEY = b"key"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IDEMPOTENT = [action for action in ACTIONS if action not in ("pseudonymise", "drop")]


def test_a_pseudonym_is_half_of_an_hmac_sha256():
    expected = hmac.new(KEY, "zoë@example.com".encode(), hashlib.sha256).hexdigest()[:32]
    assert transform("pseudonymise", "zoë@example.com", KEY) == expected


@pytest.mark.parametrize("size", [1, 63, 64, 65, 200])
def test_a_pseudonym_is_an_hmac_whatever_the_size_of_the_key(size):
    key = b"k" * size
    assert transform("pseudonymise", "ann", key) == hmac.new(key, b"ann", hashlib.sha256).hexdigest()[:32]


@pytest.mark.parametrize("texts", [[b"%d" % i for i in range(70_000)], [b"long" * 20], []])
def test_pseudonyms_stay_the_same_whether_remembered_or_forgotten(texts):
    expected = [hmac.digest(KEY, text, "sha256")[:16] for text in texts]
    assert [pseudonyms(texts, KEY), pseudonyms(texts, KEY)] == [expected, expected]


def test_pseudonyms_differ_by_key():
    assert transform("pseudonymise", "ann", b"one key") != transform("pseudonymise", "ann", b"another")


def test_drop_leaves_nothing():
    assert transform("drop", "secret", KEY) is None
    assert transform("drop", "", KEY) is None


@pytest.mark.parametrize("action", [action for action in ACTIONS if action != "drop"])
def test_an_empty_text_stays_empty(action):
    assert transform(action, "", KEY) == ""


@pytest.mark.parametrize(
    ("user_agent", "family"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/124.0.0.0 Safari/537.36", "Chrome"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/156.0.0.0 Safari/537.36", "HeadlessChrome"),
        (f"Mozilla/5.0 (Linux) {WEBKIT} Chrome/124.0.0.0 Safari/537.36 Chrome-Lighthouse", "Lighthouse"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/124.0.0.0 Safari/537.36 DatadogSynthetics", "Synthetic"),
        (f"Mozilla/5.0 (iPhone) {WEBKIT} CriOS/124.0 Mobile/15E148 Safari/604.1", "Chrome"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/124.0.0.0 Safari/537.36 Edg/124.0.0.0", "Edge"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/123.0.0.0 Safari/537.36 OPR/109.0.0.0", "Opera"),
        (f"Mozilla/5.0 (Linux) {WEBKIT} SamsungBrowser/24.0 Chrome/117.0.0.0 Safari/537.36", "Samsung Internet"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.4; rv:125.0) Gecko/20100101 Firefox/125.0", "Firefox"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/17.4 Safari/605.1.15", "Safari"),
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer"),
        ("Mozilla/5.0 AppleWebKit/537.36 (compatible; Googlebot/2.1; +http://google.com/bot)", "Bot"),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.31.0", "python-requests"),
        ("okhttp/4.12.0", "okhttp"),
        ("Go-http-client/1.1", "Go-http-client"),
        ("kube-probe/1.30", "kube-probe"),
        ("MyShop/7 (ann's iPhone)", "Other"),
        ("Chrome", "Chrome"),
        ("Samsung Internet", "Samsung Internet"),
        ("Microsoft Edge", "Edge"),
    ],
)  # fmt: skip
def test_a_user_agent_becomes_its_family(user_agent, family):
    assert transform("browser_family", user_agent, KEY) == family


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("https://shop.example/cart/17", "https://shop.example/cart/17"),
        ("https://shop.example/cart?user=ann&page=2", "https://shop.example/cart?user=REDACTED&page=REDACTED"),
        ("https://ann:pw@shop.example:8443/", "https://REDACTED@shop.example:8443/"),
        ("//ann@shop.example/x", "//REDACTED@shop.example/x"),
        ("/reset#token=abc", "/reset#token=REDACTED"),
        ("/app#/users/17", "/app#REDACTED"),
        ("/search?q", "/search?REDACTED"),
        ("/search?dG9rZW4=", "/search?REDACTED"),
        ("/search?ann@example.com=1", "/search?REDACTED"),
        ("/search?", "/search?"),
        ("a=1;b=2", "a=REDACTED;b=REDACTED"),
        ("/users/ann@example.com/orders", "/users/REDACTED/orders"),
        ("/users/ann%40example.com/orders", "/users/REDACTED/orders"),
        ("mailto:ann@example.com", "mailto:REDACTED"),
        ("/cart;jsessionid=0A1B/pay", "/cart;jsessionid=REDACTED/pay"),
        ("/reset/9f86d081884c7d659a2feaa0c55ad015", "/reset/REDACTED"),
        ("/reset/dGhpcyBpcyBhIHRva2Vu_Zm9yIHlvdQ", "/reset/REDACTED"),
        ("/orders/550e8400-e29b-41d4-a716-446655440000", "/orders/550e8400-e29b-41d4-a716-446655440000"),
        ("/orders/123456789012345678901234567890", "/orders/123456789012345678901234567890"),
        ("/blog/a-long-title-of-2024-with-many-words", "/blog/a-long-title-of-2024-with-many-words"),
        ("/assets/index-BnK3d8a1.js", "/assets/index-BnK3d8a1.js"),
        (r"catalogue/(?P<slug>[\w-]*)_(?P<pk>\d+)/$", r"catalogue/(?P<slug>[\w-]*)_(?P<pk>\d+)/$"),
        ("*", "*"),
    ],
)
def test_a_url_keeps_its_path_and_the_names_of_parameters(url, redacted):
    assert transform("redact_url", url, KEY) == redacted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("12 items in 34 ms", "12 items in 34 ms"),
        ("no account for ann.lee+x@example.co.uk!", "no account for REDACTED!"),
        ("Key (email)=(ann@example.com) already exists.", "Key (email)=(REDACTED) already exists."),
        ("GET https://pay.example/v1?card=4111#x failed", "GET https://pay.example/v1?card=REDACTED#REDACTED failed"),
        ("GET /cart?token=abc HTTP/1.1", "GET /cart?token=REDACTED HTTP/1.1"),
        ("postgres://ann:pw@db/shop refused", "postgres://REDACTED@db/shop refused"),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: REDACTED"),
        ("got bearer abcdefgh12", "got bearer REDACTED"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln expired", "jwt REDACTED expired"),
        ("api_key=12345 rejected", "api_key=REDACTED rejected"),
        ("DB_PASSWORD='it is secret'", "DB_PASSWORD='REDACTED'"),
        ('{"password":"x\\"y","user":"ann"}', '{"password":"REDACTED","user":"ann"}'),
        ("token=abc;sid=5", "token=REDACTED;sid=REDACTED"),
        ("SyntaxError: Unexpected token: <", "SyntaxError: Unexpected token: <"),
        ('WHERE "user"."password" = %s AND key = ?', 'WHERE "user"."password" = %s AND key = ?'),
        ("UPDATE t SET a=?,b=? WHERE id=$1", "UPDATE t SET a=?,b=? WHERE id=$1"),
        ("@Override on line 3, see a@b", "@Override on line 3, see a@b"),
        ("java.lang.String@1b6d3586", "java.lang.String@1b6d3586"),
    ],
)
def test_a_message_loses_what_identifies_people_and_opens_doors(text, redacted):
    assert transform("redact_text", text, KEY) == redacted


PIECES = [
    "a", "@", "example.com", "%40", "?", "&", "=", "#", "/", ";", "http://", "token", "key=", "password", '"', "'", " ",
    "eyJabcdefgh", ".", "Bearer ", "REDACTED", "0123456789abcdef", "-", ":", "\\", "(", ")", "é", "ann@example.com",
    "[", "_", "{", "}", ",", "+", "\n", "(?P<", "Chrome", "bot",
]  # fmt: skip


@pytest.mark.parametrize("action", IDEMPOTENT)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join))
def test_a_text_that_was_cleaned_stays_as_it_is(action, text):
    once = transform(action, text, KEY)
    assert once is not None
    assert transform(action, once, KEY) == once


@pytest.mark.parametrize(
    "unit",
    [
        "a", "@", "a@", "a.", "@a.", "%40", "a@b.", "password=", 'password="', "password='\\", "http://", "a://", "eyJ",
        "eyJaaaaaaa.", "bearer ", "?a=", "&", "token_", "-token", "a_key_", "x-", ";a", "//", "(?P<", "\u017f", "=",
    ],
)  # fmt: skip
@pytest.mark.parametrize("action", IDEMPOTENT)
def test_hostile_text_takes_time_linear_in_its_size(action, unit):
    # Quadratic work on 200 kB is minutes; linear work some tenths of a second, whatever else the machine does.
    text = unit * (200_000 // len(unit))
    begin = time.process_time()
    transform(action, text, KEY)
    assert time.process_time() - begin < 10


def test_a_domain_is_redacted_with_all_its_labels():
    assert transform("redact_text", "to ann@" + "a." * 20 + "example.org now", KEY) == "to REDACTED now"
