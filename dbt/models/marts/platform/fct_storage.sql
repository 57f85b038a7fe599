{{ config(materialized='view') }}
-- As of the last build. The bytes of a raw table are shared out by rows: no metadata tells them by service.
with stored as (
    select layer, table_name, row_count, logical_bytes, physical_bytes
    from {{ source('state', 'stored_bytes') }}
),

services as (
    select
        'raw' as layer,
        table_name,
        deployment_environment,
        service_namespace,
        service_name,
        sum(row_count) as service_row_count,
        sum(sum(row_count)) over (partition by table_name) as table_row_count,
    from {{ ref('fct_volume_daily') }}
    where event_date >= date '1970-01-01'
    group by table_name, deployment_environment, service_namespace, service_name
),

shared as (
    select
        stored.layer,
        stored.table_name,
        coalesce(services.deployment_environment, '(all)') as deployment_environment,
        coalesce(services.service_namespace, '(all)') as service_namespace,
        coalesce(services.service_name, '(all)') as service_name,
        {{ to_float('stored.row_count') }} as row_count,
        {{ to_float('stored.logical_bytes') }} as logical_bytes,
        {{ to_float('stored.physical_bytes') }} as physical_bytes,
        coalesce({{ ratio('services.service_row_count', 'services.table_row_count') }}, 1) as row_ratio,
    from stored
    left join services
        using (layer, table_name)
),

final as (
    select
        layer,
        table_name,
        deployment_environment,
        service_namespace,
        service_name,

        row_count * row_ratio as row_count,
        logical_bytes * row_ratio as logical_bytes,
        physical_bytes * row_ratio as physical_bytes,
        row_ratio,
    from shared
)

select * from final
