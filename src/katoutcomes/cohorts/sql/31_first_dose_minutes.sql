-- The minute of each patient's first dose, unknown where no dose of that day has one. Day 0 is the day of the first
-- dose; patients without a dose have no such session on it.
select s.patient, min(s.minute) as minute
from sessions as s
where s.kind = 'dosing' and s.day = 0
group by s.patient
