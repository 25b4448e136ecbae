-- Dosing sessions on a day on which the patient has another one.
select s.session as record, '' as about
from sessions as s
inner join (
    select patient, day
    from sessions
    where kind = 'dosing'
    group by patient, day
    having count(*) > 1
) as crowded
    on s.patient = crowded.patient and s.day = crowded.day
where s.kind = 'dosing'
