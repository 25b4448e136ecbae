-- The dose that later windows count from, one row a patient who had it: its number is given, or counted from the number
-- of induction doses (times 1).
select p.patient, p.day as first_day, p.minute as first_minute
from {{phases}} as p
inner join {{phase_counts}} as n on n.patient = p.patient
where p.dose = {{number}} + {{times_induction_doses}} * n.induction_doses
