-- Every patient id. Those whose row breaks no rule are numbered in the order of their id; `patient` is empty for the
-- others. An id that stands in two rows is among these, because a repeated key rejects both.
with broken as (
    select p.input_row
    from problems as p
    where p.file = {{file}}
    group by p.input_row
)
select
    cast(row_number() over (order by t.patient_key nulls last) as int) as patient,
    t.patient_key,
    t.input_row
from typed_patients as t
where not exists (select 1 from broken as b where b.input_row = t.input_row)
union all
select cast(null as int) as patient, t.patient_key, max(t.input_row) as input_row
from typed_patients as t
inner join broken as b
    on t.input_row = b.input_row
where t.patient_key is not null
group by t.patient_key
