-- The first two questions of eligibility: is there a dosing session, and is it certain that none came before it?
-- first_failed is the number of the first question that a patient fails, 0 as long as there is none.
select
    f.patient,
    case when f.has_first_dose = 1 and f.is_certain_first_dose = 1 then 1 else 0 end as is_met,
    case when f.has_first_dose = 0 then 1 when f.is_certain_first_dose = 0 then 2 else 0 end as first_failed
from {{eligibility_fields}} as f
