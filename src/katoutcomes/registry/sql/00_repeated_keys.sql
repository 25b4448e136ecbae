-- Rows that share their key with another row: nobody can tell which of them is right.
select t.input_row
from {{relation}} as t
inner join repeated_values as r
    on t.{{key}} = r.{{key}}
