-- The scores that lie in a window, each with the entry of window_days that it meets: window_days lists every day of every
-- window, for scores before and after the dose. A score that lies in two windows stands there twice.
select s.patient, w.entry, s.total
from {{course_scores}} as s
inner join {{window_days}} as w on w.course_day = s.course_day and w.is_after_dose = s.is_after_dose
where s.total is not null
