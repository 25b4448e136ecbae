-- Patients whose index day may be wrong: a dosing session of theirs was rejected that lies before it, or on a day that
-- is not known.
select r.patient
from rejected_sessions as r
inner join index_days as i
    on r.patient = i.patient
where r.is_dosing = 1 and (r.day_number is null or r.day_number < i.index_day)
group by r.patient
