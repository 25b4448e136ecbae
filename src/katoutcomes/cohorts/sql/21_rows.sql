-- A table with one row a patient, in the order of patients.
select t.*
from {{table}} as t
order by t.patient nulls last
