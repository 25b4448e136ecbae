-- Rows that share their key with another row: nobody can tell which of them is right.
select t.input_row
from typed_{{table}} as t
inner join (
    select {{key}} as repeated_key
    from typed_{{table}}
    where {{key}} is not null
    group by {{key}}
    having count(*) > 1
) as repeated
    on t.{{key}} = repeated.repeated_key
