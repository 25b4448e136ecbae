-- Integration after the first dose of the analyzed course, one row a patient who had any by day 84. Where the minutes of
-- both sessions are known they decide: 72 hours are 4320 minutes, 7 days are 10080, and a session of day 0 that is earlier
-- than the dose does not count. Otherwise days decide: day 0 to 3, day 0 to 7. A session counts only for the analyzed
-- course's day 0.
with integration as (
    select s.patient, s.day - c.first_day as course_day, s.minute - c.first_minute as minutes_after
    from sessions as s
    inner join {{courses}} as c on c.patient = s.patient
    where s.kind = 'integration' and s.day >= c.first_day and s.day - c.first_day <= 84
),
counted as (
    select
        i.patient,
        count(
            case when i.minutes_after <= 4320 or (i.minutes_after is null and i.course_day <= 3) then 1 end
        ) as n_within_72_hours,
        count(
            case when i.minutes_after <= 10080 or (i.minutes_after is null and i.course_day <= 7) then 1 end
        ) as n_within_7_days,
        count(case when i.course_day <= 28 then 1 end) as n_by_day_28
    from integration as i
    where i.minutes_after is null or i.minutes_after >= 0
    group by i.patient
)
select
    n.patient,
    case when n.n_within_72_hours >= 1 then 1 else 0 end as integration_within_72_hours,
    case when n.n_within_72_hours >= 1 and n.n_within_7_days >= 2 then 1 else 0 end as integration_within_7_days,
    n.n_by_day_28 as integration_sessions_by_day_28,
    1 as any_integration_by_day_84
from counted as n
