-- The scores of a sub-scale, in the columns of the registry's table: of a patient's rows of one day those of the
-- sub-scale's own (source 0) come before what the items of the whole scale give.
with first_source as (
    select r.patient, r.day, min(r.source) as source
    from {{rows}} as r
    group by r.patient, r.day
)
select
    r.patient, r.day, case when r.has_minute = 1 then r.minute end as minute,
    '{{instrument}}' as instrument, r.total
from {{rows}} as r
inner join first_source as f on f.patient = r.patient and f.day = r.day and f.source = r.source
