-- One row a course: when it began and ended, how many doses it has, and what the first of them was; where the courses
-- before and after it end and begin, and how many the patient has. A course begins with the first dose, and again with a
-- dose more than gap_days days after the one before it. Few patients have more than one, so only later ones are numbered.
with later as (
    select
        d.patient, 1 + row_number() over (partition by d.patient order by d.place nulls last) as course,
        d.place, d.day, d.minute, d.previous_day, d.route, d.approach, d.dose_mg
    from {{dosing_sessions}} as d
    where d.day - d.previous_day > {{gap_days}}
),
starts as (
    select d.patient, 1 as course, d.place, d.day, d.minute, d.previous_day, d.route, d.approach, d.dose_mg
    from {{dosing_sessions}} as d
    where d.place = 1
    union all
    select r.patient, r.course, r.place, r.day, r.minute, r.previous_day, r.route, r.approach, r.dose_mg
    from later as r
),
later_counts as (
    select r.patient, count(*) as n_later
    from later as r
    group by r.patient
)
select
    s.patient, s.course, s.place as first_place, s.day as first_day, s.minute as first_minute,
    coalesce(n.previous_day, e.day) as last_day, coalesce(n.place, e.place + 1) - s.place as n_doses,
    s.route, s.approach, s.dose_mg as first_dose_mg,
    1 + coalesce(m.n_later, 0) as n_courses, s.previous_day as previous_last_day, n.day as next_first_day
from starts as s
inner join {{dosing_sessions}} as e on e.patient = s.patient and e.next_day is null
left join later as n on n.patient = s.patient and n.course = s.course + 1
left join later_counts as m on m.patient = s.patient
