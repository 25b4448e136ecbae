-- Screening sessions after the patient's first dose.
select s.session as record, '' as about
from sessions as s
inner join (
    select patient
    from sessions
    where kind = 'dosing'
    group by patient
) as dosed
    on s.patient = dosed.patient
where s.kind = 'screening' and s.day > 0
