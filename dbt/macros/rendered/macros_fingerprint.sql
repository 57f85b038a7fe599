{# Rendered from dbt/macros/ by `otelmart render`: do not edit. #}
{% macro macros_fingerprint() %}{{ return('5094fa8f3d1976c33e7aa091173aa805a0b7e30a7d864acdc2be9007508909b1') }}{% endmacro %}
