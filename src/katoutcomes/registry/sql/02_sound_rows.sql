-- Rows of an event table that have broken no rule so far.
select t.*
from linked_{{table}} as t
where not exists (
    select 1
    from problems as p
    where p.file = {{file}} and p.input_row = t.input_row
)
