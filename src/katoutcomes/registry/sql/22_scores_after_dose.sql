-- Scores of an instrument that looks back on days or weeks, filled in later on the day of a dose.
select c.score as record, c.instrument as about
from scores as c
inner join recall_days as r
    on c.instrument = r.instrument
inner join (
    select patient, day, min(minute) as minute
    from sessions
    where kind = 'dosing' and minute is not null
    group by patient, day
) as dosed
    on c.patient = dosed.patient and c.day = dosed.day
where c.minute > dosed.minute and r.recall_days >= {{shortest_recall_days}}
