"""The plain decoder makes of every example in tests/otlp exactly the rows that its companion file says."""

from pipelines.decode import reference


def test_an_example_becomes_its_expected_rows(example, rules, assert_expected):
    assert_expected(example, reference.decode(example.payloads, rules))


def test_a_request_that_cannot_be_read_is_one_dead_letter(invalid_example, rules):
    decoded = reference.decode(invalid_example.payloads, rules)
    (bad,) = decoded.bad_rows
    assert (bad.reason, bad.error_text) == (invalid_example.expected["reason"], invalid_example.expected["error_text"])
    assert (bad.payload_index, bad.row_ordinal) == (0, None)
    assert (bad.data, bad.encoding) == (invalid_example.payload.data, invalid_example.payload.encoding)
    assert decoded.rows.num_rows == 0
    assert (decoded.wrong_type_counts, decoded.repaired_row_counts) == ([0], [0])
