{{ config(severity='warn') }}
-- Dates and tables whose rows, counted outside the pipeline, are not all accounted for: run `otelmart ledger`.
select event_date, table_name, counted_by, unexplained_count
from {{ ref('fct_reconciliation_daily') }}
where event_date >= date '1970-01-01'
    and unexplained_count != 0
