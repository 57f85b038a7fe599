with latest as (
    select *
    from fct_slo_budget_daily
    where $environment is null or deployment_environment = $environment
    qualify row_number() over (
        partition by slo_id, deployment_environment, service_namespace, service_name
        order by event_date desc
    ) = 1
),

-- of each series the alerts at its last five minutes
alerts as (
    select
        slo_id,
        deployment_environment,
        service_namespace,
        service_name,
        string_agg(alert_name, ', ' order by alert_name) filter (where state = 'firing') as firing
    from (
        select *
        from fct_slo_burn_alerts
        qualify slot_time = max(slot_time) over (
            partition by slo_id, deployment_environment, service_namespace, service_name
        )
    )
    group by all
)

select
    latest.slo_id as slo,
    latest.deployment_environment as environment,
    latest.service_namespace as namespace,
    latest.service_name as service,
    latest.event_date as as_of,
    round(100 * latest.target_ratio, 4)::double as "target_%",
    round(100 * latest.sli_ratio, 4) as "sli_%",
    latest.bad_count as bad,
    latest.valid_count as valid,
    round(100 * (1 - latest.error_budget_consumed_ratio), 1) as "budget_left_%",
    round(latest.day_burn_rate, 2) as burn_rate,
    round(latest.hours_to_exhaustion, 1) as hours_left,
    latest.state,
    alerts.firing as alerts
from latest
left join alerts
    on latest.slo_id = alerts.slo_id
    and latest.deployment_environment is not distinct from alerts.deployment_environment
    and latest.service_namespace is not distinct from alerts.service_namespace
    and latest.service_name is not distinct from alerts.service_name
order by "budget_left_%" nulls last, slo, environment, namespace, service
