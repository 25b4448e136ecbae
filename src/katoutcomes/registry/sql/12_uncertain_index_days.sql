-- Patients whose index day may be wrong: a dosing session of theirs was rejected that lies before it, or on a day that
-- is not known. Days of patients with a dose count from the index day already.
select r.patient
from rejected_sessions as r
inner join index_days as i
    on r.patient = i.patient
where r.is_dosing = 1 and (
    r.day_number is null or r.day_number < case when i.has_dose = 1 then 0 else i.index_day end
)
group by r.patient
