-- Rows of an event table that have broken a rule.
select t.*
from linked_{{table}} as t
where t.input_row in (select cast(p.input_row as int) from problems as p where p.file = {{file}})
