-- The accepted rows of an event table, numbered in the order of their key.
select
    cast(row_number() over (order by t.{{key}} nulls last) as int) as code,
    r.patient,
    cast(r.day as int) as day,
    t.input_row
from relative_days as r
inner join typed_{{table}} as t
    on r.input_row = t.input_row
where
    r.file = {{file}}
    and not exists (
        select 1
        from problems as p
        where p.file = {{file}} and p.input_row = r.input_row
    )
