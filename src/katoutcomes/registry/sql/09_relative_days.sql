-- Days counted from the patient's index day.
select r.file, r.input_row, r.patient, r.day_number - i.index_day as day
from records as r
inner join index_days as i
    on r.patient = i.patient
