-- The analyzed course, one row a patient, with its phases: how many doses the induction has and how many came after it,
-- when the induction ended, and how many later runs have reinduction_doses doses or more up to reinduction_days days after
-- the first of them. The induction is the first run, as far as its first most_doses doses.
with second_runs as (
    select r.patient, min(r.place) as place, min(r.previous_day) as previous_day
    from {{later_runs}} as r
    group by r.patient
),
first_runs as (
    select
        c.*, coalesce(r.place, c.first_place + c.n_doses) - c.first_place as n_in_run,
        coalesce(r.previous_day, c.last_day) as last_run_day
    from {{index_course}} as c
    left join second_runs as r on r.patient = c.patient
),
last_possible as (
    select c.patient, d.day
    from {{index_course}} as c
    inner join {{dosing_sessions}} as d on d.patient = c.patient and d.place = c.first_place + {{most_doses}} - 1
    where c.n_doses > {{most_doses}}
),
again as (
    select r.patient, count(*) as n_runs
    from {{later_runs}} as r
    inner join {{dosing_sessions}} as d on d.patient = r.patient and d.place = r.place + {{reinduction_doses}} - 1
    where d.place < r.end_place and d.day - r.day <= {{reinduction_days}}
    group by r.patient
)
select
    f.patient, f.course, f.first_day, f.first_minute, f.last_day, f.n_doses, f.n_courses, f.route, f.approach,
    f.first_dose_mg,
    case when f.n_in_run > {{most_doses}} then {{most_doses}} else f.n_in_run end as induction_doses,
    case when f.n_in_run > {{most_doses}} then f.n_doses - {{most_doses}} else f.n_doses - f.n_in_run end
        as maintenance_doses,
    case when f.n_in_run > {{most_doses}} then p.day else f.last_run_day end as last_induction_day,
    coalesce(a.n_runs, 0) as reinductions
from first_runs as f
left join last_possible as p on p.patient = f.patient
left join again as a on a.patient = f.patient
