"""Privacy actions over string arrays: one vectorised search finds the texts that an action may change at all."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.decode import privacy
from pipelines.decode.columns import STRING, Coded
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
    if action is None:
        return column
    values = transformed(column.values, action, key)
    codes = np.where(values.is_valid().to_numpy(zero_copy_only=False), np.arange(len(values), dtype=np.int32), -1)
    return column.arranged(lambda old: np.append(codes, -1).astype(np.int32).take(old, mode="wrap")).over(
        values.fill_null("")
    )


def transformed(texts: Arrow, action: str, key: bytes) -> Arrow:
    """Each text of a string array after an action; NULL stays NULL."""
    is_suspect: Arrow = texts.is_valid()
    if action in SUSPECT:
        is_suspect = pc.fill_null(pc.match_substring_regex(texts, SUSPECT[action]), pa.scalar(False))
    suspects = texts.filter(is_suspect).to_pylist()
    if not suspects:
        return texts
    new = [privacy.transform(action, text, key) for text in suspects]
    return pc.replace_with_mask(texts, is_suspect, pa.array(new, STRING))
