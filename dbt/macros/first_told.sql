{# What several signals of one fact say of it: window is that of a fact, its best-ranked signal first. #}

{# Value of a column on the best-ranked signal that has one. #}
{% macro first_told(column, window) -%}
    first_value({{ column }} ignore nulls) over ({{ window }} rows between unbounded preceding and unbounded following)
{%- endmacro %}

{# Currency beside the amount that is told first; empty where that signal names none. #}
{% macro currency_of(amount, currency, window) -%}
    {{ first_told("case when " ~ amount ~ " is not null then coalesce(" ~ currency ~ ", '') end", window) }}
{%- endmacro %}

{# Aggregate of a fact's currency_of, `told_` and the column: else the only currency that any of its signals names. #}
{% macro told_currency(currency) -%}
    coalesce(
            nullif(min(told_{{ currency }}), ''),
            case when min({{ currency }}) = max({{ currency }}) then min({{ currency }}) end
        )
{%- endmacro %}
