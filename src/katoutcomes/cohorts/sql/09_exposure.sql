-- Integration after the first dose of the analyzed course. Where the minutes of both sessions are known they decide:
-- 72 hours are 4320 minutes, 7 days are 10080, and a session of day 0 that is earlier than the dose does not count.
-- Otherwise days decide: day 0 to 3, day 0 to 7. A session counts only for the analyzed course's day 0.
with integration as (
    select s.patient, s.day - c.first_day as course_day, s.minute - c.first_minute as minutes_after
    from sessions as s
    inner join {{courses}} as c on c.patient = s.patient
    where s.kind = 'integration' and s.day >= c.first_day
),
placed as (
    select
        i.patient, i.course_day,
        case
            when i.minutes_after is null and i.course_day <= 3 then 1
            when i.minutes_after <= 4320 then 1
            else 0
        end as is_within_72_hours,
        case
            when i.minutes_after is null and i.course_day <= 7 then 1
            when i.minutes_after <= 10080 then 1
            else 0
        end as is_within_7_days
    from integration as i
    where i.minutes_after is null or i.minutes_after >= 0
),
counted as (
    select
        p.patient,
        cast(sum(p.is_within_72_hours) as bigint) as n_within_72_hours,
        cast(sum(p.is_within_7_days) as bigint) as n_within_7_days,
        cast(sum(case when p.course_day <= 28 then 1 else 0 end) as bigint) as n_by_day_28,
        cast(sum(case when p.course_day <= 84 then 1 else 0 end) as bigint) as n_by_day_84
    from placed as p
    group by p.patient
)
select
    c.patient,
    case when n.n_within_72_hours >= 1 then 1 else 0 end as integration_within_72_hours,
    case when n.n_within_72_hours >= 1 and n.n_within_7_days >= 2 then 1 else 0 end as integration_within_7_days,
    coalesce(n.n_by_day_28, 0) as integration_sessions_by_day_28,
    case when n.n_by_day_84 >= 1 then 1 else 0 end as any_integration_by_day_84
from {{courses}} as c
left join counted as n on n.patient = c.patient
