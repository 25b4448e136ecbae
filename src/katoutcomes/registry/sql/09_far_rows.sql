-- Rows of patients of whom something lies too far from the index day, with their distance.
with wide as (
    select patient, index_day
    from index_days
    where last_day - index_day > {{widest_span_days}} or index_day - first_day > {{widest_span_days}}
)
select 2 as file, s.input_row, s.day_number - w.index_day as day
from sound_sessions as s
inner join wide as w
    on s.patient = w.patient
union all
select 3 as file, s.input_row, s.day_number - w.index_day as day
from sound_scores as s
inner join wide as w
    on s.patient = w.patient
union all
select 4 as file, s.input_row, s.day_number - w.index_day as day
from sound_adverse_events as s
inner join wide as w
    on s.patient = w.patient
