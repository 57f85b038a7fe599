"""Attributes of a batch as int32 codes: text and privacy are worked out once per distinct key-value pair."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.decode import nested
from pipelines.decode.columns import Bools, Coded, Int64s, lists, structs, utf8
from pipelines.decode.redaction import transformed
from pipelines.decode.rules import Rules
from pipelines.decode.wire import Arrow, Int32s, offsets

# Above this share of distinct pairs the texts are not hashed a second time: they may then repeat in a dictionary.
_SPARSE_RATIO = 0.35


@dataclass(frozen=True, slots=True)
class PairLists:
    """Attribute lists of the messages of one level: list i is pairs[starts[i]:starts[i + 1]]."""

    starts: Int32s
    pairs: Int32s
    is_first: bool


@dataclass(frozen=True, slots=True)
class Attributes:
    """All attribute lists of a batch, by level, over one set of distinct pairs.

    A pair is a code; `key_of_pair` and `text_of_pair` give its key and its text (-1 is NULL) as codes again.
    """

    keys: Arrow
    key_of_pair: Int32s
    texts: Arrow
    text_of_pair: Int32s
    are_texts_distinct: bool
    levels: Mapping[str, PairLists]

    def column(self, level: str) -> Arrow:
        """list<struct<key, value>> of a level, one list a message."""
        return self.list_column(self.levels[level])

    def list_column(self, pair_lists: PairLists) -> Arrow:
        return lists(pair_lists.starts, self._pair_structs(pair_lists, lambda codes: codes))

    def repeated_column(self, level: str, counts: Int32s) -> Arrow:
        """The same with list i repeated counts[i] times: whole lists of codes are copied."""
        pair_lists = self.levels[level]
        starts = np.zeros(int(counts.sum()) + 1, np.int32)
        np.cumsum(np.repeat(np.diff(pair_lists.starts), counts), out=starts[1:])
        return lists(
            starts, self._pair_structs(pair_lists, lambda codes: _repeat_slices(codes, pair_lists.starts, counts))
        )

    def _pair_structs(self, pair_lists: PairLists, arrange: Callable[[Int32s], Int32s]) -> Arrow:
        keys = Coded(self.key_of_pair.take(pair_lists.pairs), self.keys)
        texts = self._texts(pair_lists)
        return structs({"key": keys.arranged(arrange).array(), "value": texts.arranged(arrange).array()})

    def _texts(self, pair_lists: PairLists) -> Coded:
        codes = self.text_of_pair.take(pair_lists.pairs)
        if pair_lists.is_first:
            # Codes count distinct values in the order of their first use, so the first level uses the lowest.
            return Coded(codes, self.texts.slice(0, int(codes.max(initial=-1)) + 1), self.are_texts_distinct)
        return Coded(codes, self.texts, self.are_texts_distinct).compact()


def encode(levels: Mapping[str, Arrow], rules: Rules) -> Attributes:
    """Attributes of a batch from its lists of raw KeyValues, by level. Pairs that privacy drops are in no list."""
    starts = {level: offsets(raw_lists) for level, raw_lists in levels.items()}
    encoded: Arrow = pa.chunked_array(
        [raw_lists.values for raw_lists in levels.values()], pa.binary()
    ).dictionary_encode()
    pairs = np.concatenate([np.zeros(0, np.int32), *(chunk.indices.to_numpy() for chunk in encoded.chunks)])
    distinct = encoded.chunk(0).dictionary if encoded.num_chunks else pa.array([], pa.binary())
    sent_keys, sent_texts = nested.pairs(distinct)
    encoded_keys = sent_keys.binary().dictionary_encode()
    keys, key_of_pair = utf8(encoded_keys.dictionary), encoded_keys.indices.to_numpy()
    texts, is_dropped = _privatised(keys, key_of_pair, sent_texts.array(), rules)
    are_distinct = len(distinct) <= _SPARSE_RATIO * len(pairs)
    texts, text_of_pair = _coded_texts(texts, are_distinct)
    by_level = _lists_by_level(starts, pairs, is_dropped)
    return Attributes(keys, key_of_pair, texts, text_of_pair, are_distinct, by_level)


def _privatised(keys: Arrow, key_of_pair: Int32s, texts: Arrow, rules: Rules) -> tuple[Arrow, Bools]:
    """(texts after the privacy action of their key, which pairs vanish)."""
    action_of_key = [rules.actions.get(key, "") for key in keys.to_pylist()]
    is_dropped, changes = np.zeros(len(texts), bool), []
    for action in sorted(set(action_of_key) - {""}):
        is_concerned = np.array([a == action for a in action_of_key]).take(key_of_pair)
        if action == "drop":
            is_dropped = is_concerned
        else:
            pairs = np.flatnonzero(is_concerned)
            changes.append((pairs, transformed(texts.take(pa.array(pairs)), action, rules.key)))
    return _with_changes(texts, changes), is_dropped


def _with_changes(texts: Arrow, changes: Sequence[tuple[Int64s, Arrow]]) -> Arrow:
    """The texts with others at some places."""
    if not changes:
        return texts
    sources = np.arange(len(texts))
    begin = len(texts)
    for places, new in changes:
        sources[places] = np.arange(begin, begin + len(new))
        begin += len(new)
    return pa.concat_arrays([texts, *(new for _, new in changes)]).take(pa.array(sources))


def _coded_texts(texts: Arrow, are_distinct: bool) -> tuple[Arrow, Int32s]:
    if are_distinct:
        encoded = texts.dictionary_encode()
        return encoded.dictionary, encoded.indices.fill_null(-1).to_numpy()
    codes = np.arange(len(texts), dtype=np.int32)
    if texts.null_count:
        codes[texts.is_null().to_numpy(zero_copy_only=False)] = -1
        texts = texts.fill_null("")
    return texts, codes


def _lists_by_level(starts: Mapping[str, Int32s], pairs: Int32s, is_dropped: Bools) -> dict[str, PairLists]:
    by_level, begin = {}, 0
    for level, level_starts in starts.items():
        end = begin + int(level_starts[-1])
        by_level[level] = PairLists(level_starts, pairs[begin:end], is_first=begin == 0)
        begin = end
    if not is_dropped.any():
        return by_level
    return {level: _without(pair_lists, is_dropped) for level, pair_lists in by_level.items()}


def _without(pair_lists: PairLists, is_dropped: Bools) -> PairLists:
    is_kept = ~is_dropped.take(pair_lists.pairs)
    kept_before = np.concatenate(([0], np.cumsum(is_kept))).astype(np.int32)
    return PairLists(kept_before.take(pair_lists.starts), pair_lists.pairs[is_kept], is_first=False)


def _repeat_slices(codes: Int32s, starts: Int32s, counts: Int32s) -> Int32s:
    """Slice i of the codes counts[i] times."""
    if not len(codes):
        return codes
    octets, cuts = codes.tobytes(), (starts * np.int64(codes.itemsize)).tolist()
    repeated = [octets[a:b] * count for a, b, count in zip(cuts, cuts[1:], counts.tolist(), strict=False)]
    return np.frombuffer(b"".join(repeated), np.int32)
