with letters as (
    select
        event_date,
        signal,
        reason,
        dead_letter_id,
        row_ordinal,
        error_text,
        source,
        attempt,
    from {{ ref('stg_otel__dead_letters') }}
    where {{ in_dates('event_date') }}
        and chunk_ordinal = 0
),

final as (
    select
        event_date,

        signal,
        reason,

        count(distinct dead_letter_id) as dead_letter_count,
        count(distinct case when row_ordinal is null then dead_letter_id end) as message_count,
        count(distinct case when row_ordinal is not null then dead_letter_id end) as row_count,
        max(attempt) as highest_attempt,

        min(error_text) as sample_error_text,
        min(source) as sample_source,
    from letters
    group by event_date, signal, reason
)

select * from final
