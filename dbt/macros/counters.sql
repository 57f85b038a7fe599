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
