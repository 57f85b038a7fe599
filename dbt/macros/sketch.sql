{#
    Mergeable quantiles in plain SQL: values fall into buckets that grow by 2 %, weights add up per bucket, and the
    q-quantile is the first bucket whose cumulative weight reaches q of all. Relative error at most 1 %.
#}

{# Bucket of a value; 0 has one of its own, below that of the smallest positive FLOAT64. Negatives have none. #}
{% macro sketch_bucket(x) -%}
    case
        when {{ x }} > 0 then cast(ceil(ln({{ x }}) / ln(1.02)) as int64)
        when {{ x }} = 0 then -100000
    end
{%- endmacro %}

{# Value that stands for a bucket: the one whose relative distance to both its ends is the same. #}
{% macro sketch_value(bucket) -%}
    case when {{ bucket }} = -100000 then 0.0 else 2 * power(1.02, {{ bucket }}) / 2.02 end
{%- endmacro %}

{# First bucket at which the cumulative weight reaches a percentage of the total; both are integers. #}
{% macro sketch_percentile_bucket(percent, bucket, cumulative_weight, total_weight) -%}
    min(case when {{ cumulative_weight }} * 100 >= {{ total_weight }} * {{ percent }} then {{ bucket }} end)
{%- endmacro %}
