{{ config(materialized='table', partition_by=none) }}
with slos as (
    select * from {{ ref('slos') }}
),

measured as (
    select
        slo_id,
        min(event_date) as first_event_date,
        max(event_date) as last_event_date,
        count(distinct concat(deployment_environment, '|', service_namespace, '|', service_name)) as series_count,
    from {{ ref('int_slo_daily') }}
    where event_date >= date '1970-01-01'
    group by slo_id
),

final as (
    select
        slos.slo_id,

        slos.slo_name,
        slos.objective_name,
        slos.display_name,
        slos.description,
        slos.service_name,
        slos.source_file,
        slos.signal,
        slos.good_condition,
        slos.threshold_op,
        slos.threshold_ns / 1000000 as threshold_ms,
        slos.budgeting_method,
        slos.window_kind,
        slos.window_unit,
        slos.definition_hash,

        slos.target_ratio,
        slos.slice_target_ratio,
        slos.slice_minutes,
        slos.window_length,
        slos.window_days,
        slos.min_valid_count,
        coalesce(measured.series_count, 0) as series_count,

        slos.is_per_service,
        measured.slo_id is not null as is_measured,

        measured.first_event_date,
        measured.last_event_date,
    from slos
    left join measured
        on measured.slo_id = slos.slo_id
)

select * from final
