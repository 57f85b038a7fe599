{# Does attributes_text (`key=value, key=value`) hold this `key=value`? An empty one is always held. #}
{% macro has_pair(attributes_text, pair) -%}
    ({{ pair }} = '' or strpos(concat(', ', {{ attributes_text }}, ', '), concat(', ', {{ pair }}, ', ')) > 0)
{%- endmacro %}

{# ISO 4217 currency that a counter of money names: in an attribute such as currency or order.currency, or as its unit. #}
{% macro currency_of_attributes(attributes_text) -%}
    {{ re_extract(attributes_text, '(?:^|, )(?:[a-z_.]*[._])?currency=([^,]*)') }}
{%- endmacro %}
{% macro currency_of_unit(unit) -%}
    {{ re_extract(unit, '^[{]?([A-Z]{3})[}]?$') }}
{%- endmacro %}

{# Amounts, each as often as its weight in millionths says, added up: NUMERIC, so that the order does not matter. #}
{% macro weighted_total(weight_micros, amount) -%}
    {{ to_money('sum(' ~ weight_micros ~ ' * ' ~ amount ~ ') * ' ~ to_money("'0.000001'")) }}
{%- endmacro %}

{# Variance that keeping one in `weight` adds to a total: weight · (weight − 1) · amount². #}
{% macro sampling_variance(weight_micros, amount) -%}
    {%- set weight = to_float(weight_micros) ~ ' / 1000000' -%}
    {{ exact_number('(' ~ weight ~ ' * (' ~ weight ~ ' - 1) * power(' ~ to_float(amount) ~ ', 2))') }}
{%- endmacro %}

{# How a counter and the facts compare. Half a hundredth is equal: SDKs add money up in binary fractions. Three standard
   errors hold what sampling does in all but 3 of 1000 days. A counter may count all, some or none of the excluded traffic. #}
{% macro reconciliation_state() -%}
    case
        when abs(difference) < {{ to_money("'0.005'") }} then 'equal'
        when difference between -late_fact_total and carried_fact_total then 'within_export_delay'
        when difference between -late_fact_total and carried_fact_total + excluded_fact_total then 'within_excluded_traffic'
        when counter_increase = 0 then 'fact_only'
        when fact_total = 0 then 'counter_only'
        when {{ to_float('difference') }} between -3 * sampling_error - {{ to_float('late_fact_total') }}
            and 3 * sampling_error + {{ to_float('carried_fact_total + excluded_fact_total') }} then 'within_sampling_error'
        else 'differs'
    end
{%- endmacro %}
