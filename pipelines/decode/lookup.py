"""Attributes by name: the text of an attribute in each message of a level, as codes into that name's own texts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.decode.attributes import Attributes
from pipelines.decode.columns import STRING, Coded, Int64s, remap
from pipelines.decode.wire import Arrow, Int32s


@dataclass(frozen=True, slots=True)
class Lookup:
    """Some attribute names. Of each pair: which of the names it has (-1: none), and its text's code (-1 is NULL).

    `texts` are those of each name and of the names asked for together with it.
    """

    attributes: Attributes
    names: list[str]
    texts: list[Arrow]
    name_of_pair: Int32s
    text_of_pair: Int32s

    def by_name(self, level: str) -> dict[str, Coded]:
        """Text of each message of a level, for the names that occur there. Of duplicates in a list the last counts."""
        if not self.names:
            return {}
        pair_lists = self.attributes.levels[level]
        sizes = np.diff(pair_lists.starts)
        message_count, name_count = len(sizes), len(self.names)
        # A row of codes for each name, and one more for pairs that have none of them.
        row_of_pair = np.where(self.name_of_pair >= 0, self.name_of_pair, name_count) * np.int64(message_count)
        codes = np.full((name_count + 1) * message_count, -1, np.int32)
        places = row_of_pair.take(pair_lists.pairs) + np.repeat(np.arange(message_count), sizes)
        codes[places] = self.text_of_pair.take(pair_lists.pairs)
        by_name = codes.reshape(name_count + 1, message_count)
        are_distinct = self.attributes.are_texts_distinct
        return {
            name: Coded(by_name[i], self.texts[i], are_distinct)
            for i, name in enumerate(self.names)
            if by_name[i].max(initial=-1) >= 0
        }


def lookup(attributes: Attributes, together: Iterable[Sequence[str]]) -> Lookup:
    """Look-up of those names that occur in the batch at all; names that stand together have their texts in common.

    A name that stands in several groups shares those of the last."""
    group_of_name = {name: group for group, names in enumerate(together) for name in names}
    key_codes = _key_codes(attributes.keys, sorted(group_of_name))
    if not key_codes:
        nothing = np.zeros(0, np.int32)
        return Lookup(attributes, [], [], nothing, nothing)
    name_of_key = np.full(len(attributes.keys), -1, np.int32)
    name_of_key[list(key_codes.values())] = np.arange(len(key_codes))
    name_of_pair = name_of_key.take(attributes.key_of_pair)
    groups = [group_of_name[name] for name in key_codes]
    group_of_pair = remap(name_of_pair, np.array(groups, np.int32))
    # Pairs sorted by group, so that the distinct texts of a group follow each other and are a slice of all.
    order = np.argsort(group_of_pair.astype(np.int16), kind="stable")
    order = order[(group_of_pair[order] >= 0) & (attributes.text_of_pair[order] >= 0)]
    width = np.int64(len(attributes.texts) + 1)
    grouped_texts = group_of_pair[order] * width + attributes.text_of_pair[order]
    codes, distinct = (
        _encoded(grouped_texts) if attributes.are_texts_distinct else (np.arange(len(order)), grouped_texts)
    )
    begins = np.searchsorted(distinct // width, np.arange(max(groups) + 2))
    texts = attributes.texts.take(pa.array(distinct % width))
    text_of_pair = np.full(len(name_of_pair), -1, np.int32)
    text_of_pair[order] = codes - begins[group_of_pair[order]]
    slices = [texts.slice(begin, end - begin) for begin, end in pairwise(begins.tolist())]
    return Lookup(attributes, list(key_codes), [slices[group] for group in groups], name_of_pair, text_of_pair)


def _encoded(numbers: Int64s) -> tuple[Int32s, Int64s]:
    """(code of each number, the distinct numbers in the order of their first use)."""
    encoded: Arrow = pa.array(numbers).dictionary_encode()
    return encoded.indices.to_numpy(), encoded.dictionary.to_numpy()


def _key_codes(keys: Arrow, names: list[str]) -> dict[str, int]:
    codes = pc.index_in(pa.array(names, STRING), value_set=keys).to_pylist()
    return {name: code for name, code in zip(names, codes, strict=True) if code is not None}
