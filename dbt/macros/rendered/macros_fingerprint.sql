{# Rendered from dbt/macros/ by `otelmart render`: do not edit. #}
{% macro macros_fingerprint() %}{{ return('343a571ce5ac962ba824dad56ab401ec9e6fc9d473f79acd83d5838eefd2ba57') }}{% endmacro %}
