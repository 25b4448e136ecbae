-- One row a patient of the cohort: how many doses the analyzed course has, after how many of them an integration session
-- came within 72 hours, after how many there was also a second one within 7 days of the dose, and whether this holds for
-- the first dose. Minutes decide where
-- both are known, days (0 to 3, 0 to 7) where not, as in 09_exposure; a session may follow more than one dose.
with following as (
    select
        d.patient, d.dose, s.day - d.day as days_after, s.minute - d.minute as minutes_after
    from {{phases}} as d
    inner join {{index_course}} as c on c.patient = d.patient
    inner join sessions as s on s.patient = d.patient
    where
        s.kind = 'integration' and s.day >= d.day and s.day - d.day <= 8
        and (c.next_first_day is null or s.day < c.next_first_day)
),
placed as (
    select
        f.patient, f.dose,
        case
            when f.minutes_after is null and f.days_after <= 3 then 1
            when f.minutes_after <= 4320 then 1
            else 0
        end as is_within_72_hours,
        case
            when f.minutes_after is null and f.days_after <= 7 then 1
            when f.minutes_after <= 10080 then 1
            else 0
        end as is_within_7_days
    from following as f
    where f.minutes_after is null or f.minutes_after >= 0
),
counted as (
    select
        p.patient, p.dose, max(p.is_within_72_hours) as is_timely,
        cast(sum(p.is_within_7_days) as bigint) as n_within_7_days
    from placed as p
    group by p.patient, p.dose
),
by_patient as (
    select
        n.patient, cast(sum(n.is_timely) as bigint) as n_timely,
        cast(sum(case when n.is_timely = 1 and n.n_within_7_days >= 2 then 1 else 0 end) as bigint) as n_timely_again,
        max(case when n.dose = 1 then n.is_timely end) as is_first_timely,
        max(
            case when n.dose = 1 and n.is_timely = 1 and n.n_within_7_days >= 2 then 1 else 0 end
        ) as is_first_timely_again
    from counted as n
    group by n.patient
)
select
    a.patient, a.n_doses, coalesce(b.n_timely, 0) as n_timely, coalesce(b.n_timely_again, 0) as n_timely_again,
    coalesce(b.is_first_timely, 0) as is_first_timely, coalesce(b.is_first_timely_again, 0) as is_first_timely_again
from {{analyzed}} as a
left join by_patient as b on b.patient = a.patient
order by a.patient nulls last
