-- The accepted patients of whom anything happened, with their index day.
select c.patient_id, c.patient, i.index_day
from patient_codes as c
inner join index_days as i
    on c.patient = i.patient
