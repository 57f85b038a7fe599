-- Who was there on a day, from whatever names a user: small enough to look back over all of history.
with spans as (
    select event_date, deployment_environment, service_namespace, user_id
    from {{ ref('stg_otel__spans') }}
    where {{ in_dates('event_date') }}
        and not is_excluded
        and user_id is not null
),

logs as (
    select event_date, deployment_environment, service_namespace, user_id
    from {{ ref('stg_otel__logs') }}
    where {{ in_dates('event_date') }}
        and not is_excluded
        and user_id is not null
),

users as (
    select * from spans
    union distinct
    select * from logs
),

final as (
    select event_date, deployment_environment, service_namespace, user_id from users
    union distinct
    select event_date, deployment_environment, '(all)' as service_namespace, user_id from users
)

select * from final
