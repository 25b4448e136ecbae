-- Screening sessions after the patient's first dose, which is on day 0.
with late as (
    select s.session, s.patient
    from sessions as s
    where s.kind = 'screening' and s.day > 0
)
select l.session as record, '' as about
from late as l
inner join (
    select s.patient
    from sessions as s
    where s.kind = 'dosing' and s.day = 0 and s.patient in (select patient from late)
    group by s.patient
) as dosed
    on l.patient = dosed.patient
