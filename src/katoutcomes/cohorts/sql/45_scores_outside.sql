-- How many scores of one instrument the analyzed patients have that lie in no window. counted_days lists every day of
-- every window once, for scores before and after the dose.
select count(*) as n_scores
from {{scores}} as s
inner join {{courses}} as c on c.patient = s.patient
left join {{counted_days}} as w
    on w.course_day = s.day - c.first_day
    and w.is_after_dose = case
        when s.day > c.first_day then 1
        when s.day = c.first_day and s.minute > c.first_minute then 1
        else 0
    end
where s.instrument = '{{instrument}}' and w.course_day is null
