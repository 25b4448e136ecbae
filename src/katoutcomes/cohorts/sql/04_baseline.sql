-- The last score in the baseline window that is not after the dose. A patient has at most one score of an instrument a
-- day (a rule of loading), so course_day is unique.
select
    s.patient, max_by(s.total, s.course_day) as baseline_score, max(s.course_day) as baseline_day
from {{course_scores}} as s
where s.is_after_dose = 0 and s.course_day between {{first_day}} and {{last_day}}
group by s.patient
