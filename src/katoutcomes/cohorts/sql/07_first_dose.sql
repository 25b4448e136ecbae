-- The first question of eligibility: is there a dosing session? first_failed is the number of the first question that
-- a patient fails, 0 as long as there is none.
select f.patient, f.has_first_dose as is_met, case when f.has_first_dose = 1 then 0 else 1 end as first_failed
from {{eligibility_fields}} as f
