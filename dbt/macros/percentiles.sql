{#
    CTEs that give p50, p95 and p99 by key from weighted values in ms: `<prefix>_percentiles` with columns
    p50_bucket, p95_bucket, p99_bucket. Values that are NULL or negative are left out.
#}
{% macro percentile_ctes(prefix, relation, key, value_ms, weight) -%}
{{ prefix }}_buckets as (
    select
        {{ key }},
        {{ sketch_bucket(value_ms) }} as bucket,
        sum({{ weight }}) as weight,
    from {{ relation }}
    where {{ value_ms }} >= 0
    group by {{ key }}, bucket
),

{{ prefix }}_cumulated as (
    select
        *,
        sum(weight) over (partition by {{ key }} order by bucket) as cumulative_weight,
        sum(weight) over (partition by {{ key }}) as total_weight,
    from {{ prefix }}_buckets
),

{{ prefix }}_percentiles as (
    select
        {{ key }},
        {%- for percent in (50, 95, 99) %}
        {{ sketch_percentile_bucket(percent, 'bucket', 'cumulative_weight', 'total_weight') }} as p{{ percent }}_bucket,
        {%- endfor %}
    from {{ prefix }}_cumulated
    group by {{ key }}
)
{%- endmacro %}

{# The three columns in ms that belong to percentile_ctes. #}
{% macro percentile_columns(relation) -%}
    {%- for percent in (50, 95, 99) %}
        {{ sketch_value(relation ~ '.p' ~ percent ~ '_bucket') }} as p{{ percent }}_duration_ms,
    {%- endfor %}
{%- endmacro %}
