-- What could not become a row, by signal and reason, over all days.
select
    signal,
    reason,
    cast(sum(dead_letter_count) as bigint) as dead_letter_count,
    cast(sum(message_count) as bigint) as message_count,
    cast(sum(row_count) as bigint) as row_count,
    min(sample_error_text) as sample_error_text,
    min(sample_source) as sample_source,
from marts.fct_dead_letters_daily
group by signal, reason
order by dead_letter_count desc, reason, signal
