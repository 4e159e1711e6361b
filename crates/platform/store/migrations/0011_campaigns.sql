-- When the last attempt of a job at a station began: what the station reported before is about something else.
ALTER TABLE job_stations ADD COLUMN asked_at_us INTEGER;
