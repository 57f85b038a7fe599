-- Objectives of the environment: each series as it stood on its last date, each date of it, and its burn alerts.
with days as (
    select
        budget.event_date,
        budget.service_namespace,
        budget.slo_id,
        slos.display_name as slo_name,
        slos.slice_minutes,
        budget.service_name,
        budget.target_ratio,
        budget.sli_ratio,
        1 - budget.day_bad_count / nullif(budget.day_valid_count, 0) as day_sli_ratio,
        budget.bad_count,
        budget.valid_count,
        budget.error_budget_count as allowed_count,
        budget.error_budget_consumed_ratio as budget_spent_ratio,
        budget.day_burn_rate,
        budget.hours_to_exhaustion,
        budget.coverage_ratio,
        budget.state,
        row_number() over (
            partition by budget.slo_id, budget.service_namespace, budget.service_name
            order by budget.event_date desc
        ) = 1 as is_last,
    from marts.fct_slo_budget_daily as budget
    inner join marts.dim_slos as slos
        on slos.slo_id = budget.slo_id
    where budget.deployment_environment = $environment
),

alerts as (
    select
        slo_id,
        service_namespace,
        service_name,
        string_agg(distinct alert_name, ', ' order by alert_name)
            filter (state = 'firing' and severity = 'page') as paged_by,
        max(slot_time) filter (state = 'firing' and severity = 'page') as last_page_time,
    from marts.fct_slo_burn_alerts
    where deployment_environment = $environment
    group by slo_id, service_namespace, service_name
),

final as (
    select 'day' as level, days.* exclude (is_last), null as paged_by, null as last_page_time
    from days

    union all

    select 'all' as level, days.* exclude (is_last), alerts.paged_by, alerts.last_page_time
    from days
    left join alerts
        using (slo_id, service_namespace, service_name)
    where days.is_last
)

select * from final
order by level, if(level = 'all', budget_spent_ratio, null) desc nulls last, slo_id, service_namespace, service_name, event_date
