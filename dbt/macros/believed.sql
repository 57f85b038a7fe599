{# A number that sums can hold; NULL for NaN and for one that is larger than anything of its kind, which somebody sent. #}
{% macro believed(x, most) -%}
    case when {{ x }} between -{{ most }} and {{ most }} then {{ x }} end
{%- endmacro %}
