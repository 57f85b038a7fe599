{{ config(materialized='table', partition_by=none) }}
select
    deployment_environment,
    service_namespace,
    user_id,
    min(event_date) as first_date,
from {{ ref('int_user_days') }}
where event_date >= date '1970-01-01'
group by deployment_environment, service_namespace, user_id
