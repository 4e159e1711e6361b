-- The security profile that takes over once the station has come with it (NULL: none is wanted).
ALTER TABLE station_security ADD COLUMN next_profile INTEGER CHECK (next_profile BETWEEN 2 AND 3);
