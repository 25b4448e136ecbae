-- The scores of one instrument in days of the analyzed course (course_day 0 is its first dose). A score of day 0 counts
-- as before the dose unless both minutes are known and the score is later.
select
    s.patient, s.total, s.day - c.first_day as course_day,
    case
        when s.day > c.first_day then 1
        when s.day = c.first_day and s.minute > c.first_minute then 1
        else 0
    end as is_after_dose
from {{scores}} as s
inner join {{courses}} as c on c.patient = s.patient
where s.instrument = '{{instrument}}'
