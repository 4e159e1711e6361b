-- Why a partner cannot be reached, and since when; NULL while all is well.
ALTER TABLE ocpi_parties ADD COLUMN trouble TEXT;
ALTER TABLE ocpi_parties ADD COLUMN trouble_since_us INTEGER;
