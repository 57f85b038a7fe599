-- A payload that several units saw counts once; a replay adds rows that no other unit wrote. Of two replays at once,
-- both write the entries of a letter into BigQuery's ledger.
with ledger as (
    select * from {{ ref('stg_otel__ledger') }}
    where {{ in_dates('event_date') }}
),

numbered as (
    select *, 1 as copy_number from ledger
    where engine != 'replay'
    union all
    select
        *,
        row_number() over (
            partition by unit_id, payload_id, table_name, event_date
            order by commit_time
        ) as copy_number,
    from ledger
    where engine = 'replay'
),

payloads as (
    select
        event_date,
        table_name,
        signal,
        payload_id,
        max(case
            when engine = 'replay' then 0
            else {{ int_div('written_row_count', 'delivery_count') }}
        end) as first_row_count,
        max({{ int_div('dead_lettered_row_count', 'delivery_count') }}) as dead_lettered_row_count,
        max({{ int_div('unparsed_message_count', 'delivery_count') }}) as unparsed_message_count,
        max(wrong_type_count) as wrong_type_count,
        max(repaired_row_count) as repaired_row_count,
        sum(delivery_count) as delivery_count,
        sum(written_row_count) as written_row_count,
        sum(case when copy_number = 1 then replayed_row_count else 0 end) as replayed_row_count,
        sum(erased_row_count) as erased_row_count,
        sum(expired_row_count) as expired_row_count,
        max(payload_bytes) as payload_bytes,
    from numbered
    group by event_date, table_name, signal, payload_id
),

final as (
    select
        event_date,

        table_name,
        signal,

        count(*) as payload_count,
        cast(sum(delivery_count) as int64) as delivery_count,
        cast(sum(first_row_count + replayed_row_count) as int64) as accounted_row_count,
        cast(sum(written_row_count) as int64) as written_row_count,
        cast(sum(replayed_row_count) as int64) as replayed_row_count,
        cast(sum(erased_row_count) as int64) as erased_row_count,
        cast(sum(expired_row_count) as int64) as expired_row_count,
        cast(sum(dead_lettered_row_count) as int64) as dead_lettered_row_count,
        cast(sum(unparsed_message_count) as int64) as unparsed_message_count,
        cast(sum(wrong_type_count) as int64) as wrong_type_count,
        cast(sum(repaired_row_count) as int64) as repaired_row_count,
        cast(sum(payload_bytes) as int64) as payload_bytes,
    from payloads
    group by event_date, table_name, signal
)

select * from final
