-- The first dose of each later run of doses in the analyzed course, and the place at which the run has ended. A run ends
-- where the next dose comes more than largest_gap_days later; the first run begins with the course and is not among them.
select
    d.patient, d.place, d.day, d.previous_day,
    coalesce(lead(d.place) over (partition by d.patient order by d.place nulls last), c.first_place + c.n_doses) as end_place
from {{dosing_sessions}} as d
inner join {{index_course}} as c on c.patient = d.patient
where
    d.day - d.previous_day > {{largest_gap_days}}
    and d.place > c.first_place and d.place < c.first_place + c.n_doses
