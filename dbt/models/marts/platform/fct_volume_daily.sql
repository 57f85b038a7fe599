-- The bytes of a date's messages, shared out by rows: a message may hold rows of several services.
with rows_by_service as (
    select
        event_date,
        table_name,
        deployment_environment,
        service_namespace,
        service_name,
        sum(row_count) as row_count,
    from {{ ref('int_signal_rows_daily') }}
    where {{ in_dates('event_date') }}
    group by event_date, table_name, deployment_environment, service_namespace, service_name
),

payloads as (
    select event_date, table_name, sum(payload_bytes) as payload_bytes
    from {{ ref('int_ledger_daily') }}
    where {{ in_dates('event_date') }}
    group by event_date, table_name
),

totals as (
    select event_date, table_name, sum(row_count) as row_count
    from rows_by_service
    group by event_date, table_name
),

final as (
    select
        rows_by_service.event_date,

        rows_by_service.table_name,
        rows_by_service.deployment_environment,
        rows_by_service.service_namespace,
        rows_by_service.service_name,

        cast(rows_by_service.row_count as int64) as row_count,
        {{ ratio(to_float('payloads.payload_bytes * rows_by_service.row_count'), to_float('totals.row_count')) }} as payload_bytes,
        {{ ratio('rows_by_service.row_count', 'totals.row_count') }} as row_ratio,
    from rows_by_service
    inner join totals
        using (event_date, table_name)
    left join payloads
        using (event_date, table_name)
)

select * from final
