-- One row a dosing session of the analyzed course, with what was measured in it.
select
    p.patient, d.session, p.day - c.first_day as course_day,
    s.systolic_peak_mmhg, s.diastolic_peak_mmhg, s.oxygen_saturation_min_percent,
    s.rescue_medication, s.stopped_early
from {{phases}} as p
inner join {{analyzed}} as a on a.patient = p.patient
inner join {{index_course}} as c on c.patient = p.patient
inner join {{dosing_sessions}} as d on d.patient = p.patient and d.place = p.place
inner join sessions as s on s.session = d.session
order by p.patient nulls last, p.dose nulls last
