-- The key and the number of every patient.
select p.patient, p.patient_id
from patients as p
order by p.patient nulls last
