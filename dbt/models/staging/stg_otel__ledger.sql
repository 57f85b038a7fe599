{{ config(materialized="view") }}

with ledger as (
    select
        event_date,
        payload_id,
        unit_id,
        table_name,
        signal,
        source,
        engine,
        delivery_count,
        decoded_row_count,
        written_row_count,
        dead_lettered_row_count,
        unparsed_message_count,
        replayed_row_count,
        erased_row_count,
        expired_row_count,
        wrong_type_count,
        repaired_row_count,
        payload_bytes,
        receive_time,
        commit_time,
    from {{ source('observability', 'ingest_ledger') }}
)

select * from ledger
