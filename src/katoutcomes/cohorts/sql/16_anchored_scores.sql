-- The scores after the first dose in days of a later dose (course_day 0 is that dose), in the columns of
-- 06_course_scores. A score of day 0 counts as before it unless both minutes are known and the score is later.
select
    s.patient, s.total, s.day - a.first_day as course_day,
    case
        when s.day > a.first_day then 1
        when s.day = a.first_day and s.minute > a.first_minute then 1
        else 0
    end as is_after_dose
from {{scores}} as s
inner join {{courses}} as c on c.patient = s.patient
inner join {{anchor_days}} as a on a.patient = s.patient
where
    s.instrument = '{{instrument}}'
    and (s.day > c.first_day or (s.day = c.first_day and s.minute > c.first_minute))
