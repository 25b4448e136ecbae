-- One row a course: when it began and ended, how many doses it has, and what the first of them was.
with spans as (
    select
        d.patient, d.course, min(d.day) as first_day, max(d.day) as last_day,
        count(*) as n_doses, min(d.place) as first_place
    from {{dosing_sessions}} as d
    group by d.patient, d.course
)
select
    s.patient, s.course, s.first_place, s.first_day, f.minute as first_minute, s.last_day, s.n_doses,
    f.route, f.approach, f.dose_mg as first_dose_mg
from spans as s
inner join {{dosing_sessions}} as f on f.patient = s.patient and f.place = s.first_place
