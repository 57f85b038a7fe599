"""The vectorised search for suspects misses no text that a privacy action would change."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.decode import privacy, redaction, rules

KEY = b"redaction-key"
FRAGMENTS = (
    "https://shop.example/a?b=c", "//user:pw@host/x", "?q=1", "/p;id=7", "#frag", "mail@example.com", "a%40b.org",
    "eyJhbGciOi.x.y", "Bearer abcdefghij", "bearer\tABCDEFGH", "password=x", "PassWd: y", "passphrase: z", "pwd=1",
    "client_secret: s", "Authorization: Basic abc", "api_key=1", "apikey: 2", "access-key=3", "private_key: 4",
    "credentials=5", "token=t", "id_token: u", "key=k", "auth=a", "sid=s", "sessionid=s", "sig=s", "signature=s",
    "jwt=j", "a1b2c3d4e5f6a7b8c9d0e1f2", "paſſword=x", "api_\u212aey=1", "toKen=5", "GET /cart 200", "plain words",
    "Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/124.0 Safari/537.36", "HeadlessChrome/1", "\u212aube-probe", "trİdent",
    "\n", " ", "=", "&", ":", "?", "@", "é", "日本",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=6), max_size=4).map("".join)


@pytest.mark.parametrize("action", rules.ACTIONS)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(texts=st.lists(st.none() | TEXTS, max_size=4))
def test_an_array_is_transformed_as_each_of_its_texts(action, texts):
    expected = [text and privacy.transform(action, text, KEY) for text in texts]
    assert redaction.transformed(pa.array(texts, pa.string()), action, KEY).to_pylist() == expected


def test_usual_texts_are_no_suspects():
    bodies = pa.array(["GET /api/cart/17 completed in 3.250 ms status=200", "order placed", ""])
    assert pc.match_substring_regex(bodies, redaction.SUSPECT["redact_text"]).to_pylist() == [False] * 3
    urls = pa.array(["https://shop.example.com/api/cart/17", "/healthz"])
    assert pc.match_substring_regex(urls, redaction.SUSPECT["redact_url"]).to_pylist() == [False] * 2
