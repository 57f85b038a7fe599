{{ config(materialized="view") }}

with dead_letters as (
    select
        {{ event_date('ingest_time') }} as event_date,
        dead_letter_id,
        payload_id,
        row_ordinal,
        signal,
        reason,
        error_text,
        encoding,
        source,
        chunk_ordinal,
        chunk_count,
        attempt,
        publish_time,
        ingest_time,
    from {{ source('observability', 'dead_letters') }}
)

select * from dead_letters
