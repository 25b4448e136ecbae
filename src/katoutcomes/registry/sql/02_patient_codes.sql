-- Patients whose row breaks no rule, numbered in the order of their id.
select
    cast(row_number() over (order by t.patient_id nulls last) as int) as patient,
    t.patient_id,
    t.input_row
from typed_patients as t
where not exists (
    select 1
    from problems as p
    where p.file = {{file}} and p.input_row = t.input_row
)
