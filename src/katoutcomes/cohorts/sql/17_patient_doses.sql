-- Every dosing session of one patient with its course and, in the analyzed course, its number and phase.
select d.day, d.minute, c.course, p.dose, p.is_induction, case when p.dose is null then 0 else 1 end as is_analyzed
from {{dosing_sessions}} as d
inner join {{courses}} as c
    on c.patient = d.patient and d.place >= c.first_place and d.place < c.first_place + c.n_doses
left join {{phases}} as p on p.patient = d.patient and p.place = d.place
where d.patient = {{patient}}
order by d.place nulls last
