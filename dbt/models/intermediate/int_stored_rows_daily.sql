-- Rows in the raw tables as they lie there, and those left after staging removed copies.
with raw_rows as (
    select {{ event_date('start_time') }} as event_date, 'traces' as table_name, payload_id, row_ordinal
    from {{ source('observability', 'traces') }}
    where {{ in_dates(event_date('start_time')) }}

    union all

    select {{ event_date('time') }} as event_date, 'logs' as table_name, payload_id, row_ordinal
    from {{ source('observability', 'logs') }}
    where {{ in_dates(event_date('time')) }}

    union all

    select {{ event_date('time') }} as event_date, 'metrics' as table_name, payload_id, row_ordinal
    from {{ source('observability', 'metrics') }}
    where {{ in_dates(event_date('time')) }}
),

kept_rows as (
    select event_date, 'traces' as table_name, is_excluded, has_conflicting_copy
    from {{ ref('stg_otel__spans') }}
    where {{ in_dates('event_date') }}

    union all

    select event_date, 'logs' as table_name, is_excluded, false as has_conflicting_copy
    from {{ ref('stg_otel__logs') }}
    where {{ in_dates('event_date') }}

    union all

    select event_date, 'metrics' as table_name, false as is_excluded, has_conflicting_copy
    from {{ ref('stg_otel__metric_points') }}
    where {{ in_dates('event_date') }}
),

stored as (
    select
        event_date,
        table_name,
        count(*) as stored_row_count,
        count(distinct concat(payload_id, ' ', cast(row_ordinal as string))) as identified_row_count,
    from raw_rows
    group by event_date, table_name
),

kept as (
    select
        event_date,
        table_name,
        count(*) as distinct_row_count,
        count(case when is_excluded then 1 end) as excluded_row_count,
        count(case when has_conflicting_copy then 1 end) as conflicting_row_count,
    from kept_rows
    group by event_date, table_name
),

final as (
    select
        stored.event_date,
        stored.table_name,
        stored.stored_row_count,
        stored.identified_row_count,
        kept.distinct_row_count,
        kept.excluded_row_count,
        kept.conflicting_row_count,
    from stored
    inner join kept
        on kept.event_date = stored.event_date
        and kept.table_name = stored.table_name
)

select * from final
