"""Privacy actions over string arrays: one vectorised search finds the texts that an action may change at all."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.decode import privacy
from pipelines.decode.columns import STRING, Coded, remap
from pipelines.decode.wire import Arrow

# What a text must contain for the action to change it (RE2, so linear in the text). Actions not named change any text.
SUSPECT = {
    "redact_url": r"[?#@;=&]|%40|[A-Za-z0-9_.~+=%-]{24}",
    "redact_text": (
        r"(?i)@|%40|://|\?[a-z_]|eyj|bearer|(?:token|key|auth|sid|sessionid|signature|sig|jwt)=|passw|passphrase|pwd"
        r"|secret|authorization|api[_-]?key|(?:access|private)[_-]?key|credential|_?-?token"
    ),
}


def privatised(column: Coded, action: str | None, key: bytes) -> Coded:
    """The column after an action on each of its distinct texts."""
    changed = column.values if action is None else transformed(column.values, action, key)
    if changed is column.values:
        return column
    encoded = changed.dictionary_encode()
    new_codes = encoded.indices.fill_null(-1).to_numpy()
    return Coded(remap(column.codes, new_codes), encoded.dictionary)


def transformed(texts: Arrow, action: str, key: bytes) -> Arrow:
    """Each text of a string array after an action, which runs once per distinct text; NULL stays NULL.

    The very array when there is nothing to change."""
    if action in SUSPECT and not pc.any(pc.match_substring_regex(texts, SUSPECT[action])).as_py():
        return texts
    distinct = texts.dictionary_encode()
    suspects: Arrow = pa.array(np.ones(len(distinct.dictionary), bool))
    if action in SUSPECT:
        suspects = pc.match_substring_regex(distinct.dictionary, SUSPECT[action])
    transform, originals = privacy.ACTIONS[action], distinct.dictionary.filter(suspects).to_pylist()
    if not originals:
        return texts
    new = pa.array([transform(text, key) if text else text for text in originals], STRING)
    return pc.replace_with_mask(distinct.dictionary, suspects, new).take(distinct.indices)
