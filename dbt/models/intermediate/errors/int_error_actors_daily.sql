-- Whom a group of errors met on a day: small enough to look back over all of history.
with errors as (
    select * from {{ ref('fct_errors') }}
    where {{ in_dates('event_date') }}
),

final as (
    select distinct
        event_date,
        deployment_environment,
        service_namespace,
        service_name,
        error_group_id,
        user_id,
        session_id,
    from errors
    where coalesce(user_id, session_id) is not null
)

select * from final
