{# Rendered from dbt/macros/ by `otelmart render`: do not edit. #}
{% macro macros_fingerprint() %}{{ return('5f6fcd6d4ca4fc1d0aa7c4b547a08ed9cae85865dd6ec9f71f78050944d95347') }}{% endmacro %}
