{{ config(materialized='view') }}
with slo_corrections as (
    select * from {{ ref('slo_corrections') }}
),

slos as (
    select * from {{ ref('slos') }}
),

final as (
    select
        {{ local_date('slo_corrections.from_time') }} as event_date,
        {{ slot_number('slo_corrections.from_time') }} as slot_number,
        {{ slot_number('slo_corrections.to_time') }} as end_slot_number,
        slos.slo_id,
        slo_corrections.deployment_environment,
        slo_corrections.service_namespace,
        slo_corrections.service_name,
        slo_corrections.action,
        slo_corrections.good_delta,
        slo_corrections.valid_delta,
    from slo_corrections
    inner join slos
        on slos.slo_name = slo_corrections.slo_name
)

select * from final
