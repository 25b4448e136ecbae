-- Every dosing session with the number of its course. A course begins with the first dose, and again with a dose more
-- than gap_days days after the one before it. Doses of one day stand in the order of their minutes, unknown ones last,
-- and of their keys; where no patient has two doses on a day, tie_break decides nothing and may be any number.
with placed as (
    select
        s.patient, s.session, s.day, s.minute, s.route, s.approach, s.dose_mg,
        row_number() over in_time as place,
        lag(s.day) over in_time as previous_day
    from sessions as s
    where s.kind = 'dosing'
    window in_time as (partition by s.patient order by s.day nulls last, s.minute nulls last, s.{{tie_break}} nulls last)
)
select
    p.patient, p.session, p.day, p.minute, p.route, p.approach, p.dose_mg, p.place, p.previous_day,
    cast(
        sum(case when p.previous_day is null or p.day - p.previous_day > {{gap_days}} then 1 else 0 end) over (
            partition by p.patient order by p.place nulls last rows between unbounded preceding and current row
        ) as bigint
    ) as course
from placed as p
