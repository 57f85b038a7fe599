{{ config(materialized='table') }}
-- Built whole from daily counts: an outside count may come at any time, without a ledger entry.
-- A writer that ends between rows and ledger leaves rows that no entry names: copies, once their message comes again.
-- Lost is told by rows' identity (payload, place in it), so that such copies make up for no row that is not there.
with outside as (
    select
        event_date,
        table_name,
        counted_by,
        cast(sum(row_count) as int64) as outside_row_count,
    from {{ source('observability', 'outside_counts') }}
    where {{ in_dates('event_date') }}
    group by event_date, table_name, counted_by
),

ledger as (
    select * from {{ ref('int_ledger_daily') }}
    where {{ in_dates('event_date') }}
        and table_name != 'dead_letters'
),

dead as (
    select
        event_date,
        case when signal = 'unknown' then '(unknown)' else signal end as signal_table_name,
        sum(dead_lettered_row_count) as dead_lettered_row_count,
        sum(unparsed_message_count) as unparsed_message_count,
    from {{ ref('int_ledger_daily') }}
    where {{ in_dates('event_date') }}
        and table_name = 'dead_letters'
    group by event_date, signal_table_name
),

stored as (
    select * from {{ ref('int_stored_rows_daily') }}
    where {{ in_dates('event_date') }}
),

days as (
    select event_date, table_name from outside
    union distinct
    select event_date, table_name from ledger
    union distinct
    select event_date, signal_table_name as table_name from dead
    union distinct
    select event_date, table_name from stored
),

counted as (
    select
        days.event_date,
        days.table_name,
        outside.counted_by,
        outside.outside_row_count,
        coalesce(ledger.payload_count, 0) as payload_count,
        coalesce(ledger.delivery_count, 0) as delivery_count,
        coalesce(ledger.accounted_row_count, 0) as accounted_row_count,
        coalesce(ledger.written_row_count, 0) as written_row_count,
        coalesce(ledger.replayed_row_count, 0) as replayed_row_count,
        coalesce(ledger.erased_row_count, 0) as erased_row_count,
        coalesce(ledger.expired_row_count, 0) as expired_row_count,
        coalesce(dead.dead_lettered_row_count, 0) as dead_lettered_row_count,
        coalesce(dead.unparsed_message_count, 0) as unparsed_message_count,
        coalesce(stored.stored_row_count, 0) as stored_row_count,
        coalesce(stored.identified_row_count, 0) as identified_row_count,
        coalesce(stored.distinct_row_count, 0) as distinct_row_count,
        coalesce(stored.excluded_row_count, 0) as excluded_row_count,
        coalesce(stored.conflicting_row_count, 0) as conflicting_row_count,
    from days
    left join outside
        on outside.event_date = days.event_date
        and outside.table_name = days.table_name
    left join ledger
        on ledger.event_date = days.event_date
        and ledger.table_name = days.table_name
    left join dead
        on dead.event_date = days.event_date
        and dead.signal_table_name = days.table_name
    left join stored
        on stored.event_date = days.event_date
        and stored.table_name = days.table_name
),

explained as (
    select
        *,
        accounted_row_count - erased_row_count - expired_row_count - identified_row_count as absent_row_count,
        stored_row_count - (written_row_count - erased_row_count - expired_row_count) as beyond_row_count,
        outside_row_count - accounted_row_count as missing_row_count,
    from counted
),

judged as (
    select
        *,
        case when absent_row_count > 0 then absent_row_count else 0 end as lost_row_count,
        case when absent_row_count < 0 then -absent_row_count else 0 end as unaccounted_row_count,
        case when beyond_row_count > 0 then beyond_row_count else 0 end as uncommitted_row_count,
    from explained
),

final as (
    select
        event_date,

        table_name,
        coalesce(counted_by, '(nobody)') as counted_by,

        outside_row_count,
        payload_count,
        delivery_count,
        accounted_row_count,
        written_row_count,
        stored_row_count,
        distinct_row_count,
        stored_row_count - distinct_row_count as duplicate_row_count,
        conflicting_row_count,
        excluded_row_count,
        replayed_row_count,
        erased_row_count,
        expired_row_count,
        cast(dead_lettered_row_count as int64) as dead_lettered_row_count,
        cast(unparsed_message_count as int64) as unparsed_message_count,
        missing_row_count,
        lost_row_count,
        uncommitted_row_count,
        coalesce(missing_row_count, 0) + lost_row_count + unaccounted_row_count as unexplained_count,

        counted_by is not null as has_outside_count,
    from judged
)

select * from final
