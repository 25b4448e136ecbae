-- The doses of the analyzed course, numbered, and whether each belongs to the induction.
select
    d.patient, d.day, d.minute, d.place, d.place - c.first_place + 1 as dose,
    case when d.place - c.first_place < n.induction_doses then 1 else 0 end as is_induction
from {{dosing_sessions}} as d
inner join {{index_course}} as c
    on c.patient = d.patient and d.place >= c.first_place and d.place < c.first_place + c.n_doses
inner join {{phase_counts}} as n on n.patient = d.patient
