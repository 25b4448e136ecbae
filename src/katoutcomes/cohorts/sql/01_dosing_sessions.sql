-- Every dosing session with its place among those of the patient and the days of the one before and the one after. Doses
-- of one day stand in the order of their minutes, unknown ones last, and of their keys; where no patient has two doses on
-- a day, tie_break decides nothing and may be any number.
select
    s.patient, s.session, s.day, s.minute, s.route, s.approach, s.dose_mg,
    row_number() over in_time as place,
    lag(s.day) over in_time as previous_day,
    lead(s.day) over in_time as next_day
from sessions as s
where s.kind = 'dosing'
window in_time as (partition by s.patient order by s.day nulls last, s.minute nulls last, s.{{tie_break}} nulls last)
