-- The score nearest to the target day among those after the dose and inside the window; of two equally near, the earlier.
-- Days are from 0 to 7305 (a rule of loading), so the key orders by distance first and is unique.
select
    s.patient,
    min_by(s.total, abs(s.course_day - {{target_day}}) * 100000 + s.course_day) as score,
    min_by(s.course_day, abs(s.course_day - {{target_day}}) * 100000 + s.course_day) as course_day
from {{course_scores}} as s
where s.is_after_dose = 1 and s.course_day between {{first_day}} and {{last_day}}
group by s.patient
