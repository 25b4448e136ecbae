-- Patients of the registry without any dosing session: how many there are, how many of them had a screening session, and
-- how many a preparation session.
with kinds as (
    select
        s.patient,
        max(case when s.kind = 'dosing' then 1 else 0 end) as has_dose,
        max(case when s.kind = 'screening' then 1 else 0 end) as has_screening,
        max(case when s.kind = 'preparation' then 1 else 0 end) as has_preparation
    from sessions as s
    group by s.patient
)
select
    count(*) as n_patients,
    coalesce(cast(sum(k.has_screening) as bigint), 0) as n_screened,
    coalesce(cast(sum(k.has_preparation) as bigint), 0) as n_prepared
from patients as p
left join kinds as k on k.patient = p.patient
where coalesce(k.has_dose, 0) = 0
