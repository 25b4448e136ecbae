-- One row a patient: how many doses the induction has and how many came after it, when the induction ended, and how many
-- later runs have reinduction_doses doses or more up to reinduction_days days after the first of them.
with runs as (
    select
        p.patient, p.run,
        cast(sum(p.is_induction) as bigint) as n_induction,
        count(*) as n_doses,
        max(case when p.is_induction = 1 then p.day end) as last_induction_day,
        cast(sum(case when p.day - p.run_day <= {{reinduction_days}} then 1 else 0 end) as bigint) as n_early
    from {{phases}} as p
    group by p.patient, p.run
)
select
    r.patient,
    cast(sum(r.n_induction) as bigint) as induction_doses,
    cast(sum(r.n_doses - r.n_induction) as bigint) as maintenance_doses,
    max(r.last_induction_day) as last_induction_day,
    cast(sum(case when r.run > 0 and r.n_early >= {{reinduction_doses}} then 1 else 0 end) as bigint) as reinductions
from runs as r
group by r.patient
