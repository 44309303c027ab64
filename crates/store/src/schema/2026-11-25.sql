-- What playing a song evenly with others needs to know of it, and what making another file of it does. Files that were
-- read before are read again once.

ALTER TABLE songs ADD COLUMN channels INTEGER NOT NULL DEFAULT 0;
ALTER TABLE songs ADD COLUMN frames INTEGER NOT NULL DEFAULT 0; -- 0 if not known to the last one
ALTER TABLE songs ADD COLUMN gain_cdb INTEGER; -- in hundredths of a decibel
ALTER TABLE songs ADD COLUMN peak_milli INTEGER NOT NULL DEFAULT 0; -- in thousandths of full scale; 0 if not known
ALTER TABLE songs ADD COLUMN album_gain_cdb INTEGER;
ALTER TABLE songs ADD COLUMN album_peak_milli INTEGER NOT NULL DEFAULT 0;
ALTER TABLE songs ADD COLUMN measured_gain_cdb INTEGER; -- of the sound itself; NULL if nobody measured it
ALTER TABLE songs ADD COLUMN measured_peak_milli INTEGER NOT NULL DEFAULT 0;
