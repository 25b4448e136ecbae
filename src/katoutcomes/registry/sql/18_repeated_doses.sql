-- Dosing sessions on a day on which the patient has another one.
select s.session as record, '' as about
from sessions as s
inner join crowded_days as c
    on s.patient = c.patient and s.day = c.day
where s.kind = 'dosing'
