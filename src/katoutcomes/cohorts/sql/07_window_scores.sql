-- One row a patient and window that holds a score: the score on the day of the lowest rank. window_days lists every day
-- of every window with its rank, for scores before and after the dose. A patient has at most one score of an instrument
-- a day (a rule of loading), and no two days of a window have one rank, so the score is unique.
select
    s.patient, w.position, min_by(s.total, w.day_rank) as score, min_by(s.course_day, w.day_rank) as course_day
from {{course_scores}} as s
inner join {{window_days}} as w on w.course_day = s.course_day and w.is_after_dose = s.is_after_dose
group by s.patient, w.position
