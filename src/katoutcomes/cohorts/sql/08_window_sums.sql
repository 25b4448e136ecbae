-- One row a patient and window that holds a score: the sum of its scores in millionths of a point, so that it is exact
-- in any order, their number, and the last of their days.
select
    s.patient, w.position,
    cast(sum(cast(floor(s.total * 1e6 + 0.5e0) as bigint)) as bigint) as sum_of_millionths,
    count(*) as n_scores, max(s.course_day) as course_day
from {{course_scores}} as s
inner join {{window_days}} as w on w.course_day = s.course_day and w.is_after_dose = s.is_after_dose
group by s.patient, w.position
