-- The first questions of eligibility: is there a dosing session, is it certain that none came before it, and is there
-- the course that is asked for? first_failed is the number of the first question that a patient fails, 0 as long as
-- there is none.
with asked as (
    select
        f.patient,
        case
            when f.has_first_dose = 0 then 1
            when f.is_certain_first_dose = 0 then 2
            when f.has_course = 0 then 3
            else 0
        end as first_failed
    from {{eligibility_fields}} as f
)
select a.patient, case when a.first_failed = 0 then 1 else 0 end as is_met, a.first_failed
from asked as a
