-- Every row of an event table with the patient it belongs to. `patient` is empty where there is no such patient
-- (`in_patients` 0) or where the patient's own row was rejected (`in_patients` 1).
select
    t.input_row,
    t.day_number,
    t.quarter_number,
    c.patient,
    case when named.patient_id is null then 0 else 1 end as in_patients,
    case when t.patient_id is null then 0 else 1 end as names_patient
from typed_{{table}} as t
left join patient_codes as c
    on t.patient_id = c.patient_id
left join (
    select patient_id
    from typed_patients
    where patient_id is not null
    group by patient_id
) as named
    on t.patient_id = named.patient_id
