-- What reached a date after it was final, by the day on which it came. The ledger alone says it, so that a repeated or
-- a full build says the same.
with ledger as (
    select
        event_date,
        table_name,
        {{ local_date('receive_time') }} as receive_date,
        unit_id,
        payload_id,
        written_row_count,
        replayed_row_count,
        erased_row_count,
        expired_row_count,
    from {{ ref('stg_otel__ledger') }}
    where {{ in_dates('event_date') }}
        and table_name != 'dead_letters'
),

stored as (
    select event_date, table_name, sum(written_row_count) as written_row_count
    from ledger
    group by event_date, table_name
),

late as (
    select
        event_date,
        table_name,
        receive_date,
        count(distinct payload_id) as payload_count,
        sum(written_row_count) as added_row_count,
        sum(replayed_row_count) as replayed_row_count,
        sum(erased_row_count + expired_row_count) as removed_row_count,
        min(payload_id) as sample_payload_id,
    from ledger
    where {{ days_between('event_date', 'receive_date') }} >= {{ var('final_after_days') }}
    group by event_date, table_name, receive_date
),

final as (
    select
        late.event_date,

        late.table_name,
        late.receive_date,

        late.payload_count,
        cast(late.added_row_count as int64) as added_row_count,
        cast(late.replayed_row_count as int64) as replayed_row_count,
        cast(late.removed_row_count as int64) as removed_row_count,
        {{ ratio('late.added_row_count', 'stored.written_row_count') }} as added_row_ratio,
        late.sample_payload_id,
    from late
    inner join stored
        on stored.event_date = late.event_date
        and stored.table_name = late.table_name
    where late.added_row_count + late.removed_row_count > 0
)

select * from final
