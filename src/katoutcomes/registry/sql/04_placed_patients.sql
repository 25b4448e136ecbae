-- Every patient id with the patient and the day from which the patient's rows count: the first dose or, as long as it is
-- not known whether there is a record before, day 0 of the files.
select
    c.patient_key,
    c.patient,
    coalesce(s.first_dose_day, 0) as index_day,
    case when s.first_dose_day is null then 0 else 1 end as has_dose
from patient_codes as c
left join session_spans as s
    on c.patient = s.patient
