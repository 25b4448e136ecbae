-- The calendar quarter of the index day, as 4 * year + quarter - 1; empty where the files give days, not dates.
select r.patient, max(r.quarter_number) as quarter_number
from records as r
inner join index_days as i
    on r.patient = i.patient and r.day_number = i.index_day
group by r.patient
