-- Integration and follow-up sessions before the patient's first dose, or of patients without any. The first dose is on
-- day 0.
select s.session as record, '' as about
from sessions as s
left join (
    select patient
    from sessions
    where kind = 'dosing' and day = 0
    group by patient
) as dosed
    on s.patient = dosed.patient
where s.kind in ('integration', 'follow_up') and (dosed.patient is null or s.day < 0)
