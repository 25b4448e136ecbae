-- One criterion, asked of everybody after those before it. The comparison is written as what below, equal and above
-- count for; an unknown value meets nothing, nor does a patient without a row of the field.
with compared as (
    select
        e.patient, e.first_failed,
        case
            when f.{{field}} < {{value}} then {{met_if_below}}
            when f.{{field}} = {{value}} then {{met_if_equal}}
            when f.{{field}} > {{value}} then {{met_if_above}}
            else 0
        end as is_met
    from {{previous}} as e
    left join {{fields}} as f on f.patient = e.patient
)
select
    c.patient,
    case when c.first_failed > 0 then c.first_failed when c.is_met = 1 then 0 else {{question}} end as first_failed
from compared as c
