{{ config(materialized='view') }}
with slos as (
    select * from {{ ref('slos') }}
),

corrections as (
    select
        slo_name,
        string_agg(
            concat(
                cast({{ unix_us('from_time') }} as string), ' ', cast({{ unix_us('to_time') }} as string), ' ', action, ' ',
                coalesce(deployment_environment, ''), ' ', coalesce(service_namespace, ''), ' ', coalesce(service_name, ''), ' ',
                cast(coalesce(good_delta, 0) as string), ' ', cast(coalesce(valid_delta, 0) as string)
            ),
            '|' order by from_time, to_time, action, deployment_environment, service_namespace, service_name, good_delta, valid_delta
        ) as correction_text,
    from {{ ref('slo_corrections') }}
    group by slo_name
),

final as (
    select
        slos.*,
        {{ digest("concat(slos.definition_hash, coalesce(corrections.correction_text, ''))") }} as basis_hash,
    from slos
    left join corrections
        on corrections.slo_name = slos.slo_name
)

select * from final
