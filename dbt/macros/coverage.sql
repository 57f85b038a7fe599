{# CTE `coverage`: of a date, environment and namespace, (all) among them, the share of its spans that were kept. What
   counts observed facts shows it beside them and is never scaled by it. #}
{% macro coverage_of_days(condition) -%}
span_counts as (
    select
        event_date,
        deployment_environment,
        service_namespace,
        observed_span_count,
        weight_micros,
    from {{ ref('int_span_counts_daily') }}
    where {{ condition }}
),

coverage as (
    select
        event_date,
        deployment_environment,
        namespace as service_namespace,
        {{ ratio('least(sum(observed_span_count) * 1000000, sum(weight_micros))', 'sum(weight_micros)') }} as coverage_ratio,
    from (
        select *, service_namespace as namespace from span_counts
        union all
        select *, '(all)' as namespace from span_counts
    ) as covered
    group by event_date, deployment_environment, namespace
)
{%- endmacro %}

{% macro join_coverage(relation) -%}
left join coverage
        on coverage.event_date = {{ relation }}.event_date
        and coverage.deployment_environment = {{ relation }}.deployment_environment
        and coverage.service_namespace = {{ relation }}.service_namespace
{%- endmacro %}
