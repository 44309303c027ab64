-- Playlists that clients make and change. They belong to a database and to no source.

CREATE TABLE house_playlists (
    id            INTEGER PRIMARY KEY,
    persistent_id INTEGER NOT NULL,
    database      INTEGER NOT NULL REFERENCES databases,
    name          TEXT NOT NULL,
    next_entry    INTEGER NOT NULL
) STRICT;

-- Their songs. A song that goes and the playlists it was in are saved together.
CREATE TABLE house_entries (
    playlist INTEGER NOT NULL REFERENCES house_playlists,
    position INTEGER NOT NULL,
    id       INTEGER NOT NULL,
    item     INTEGER NOT NULL,
    PRIMARY KEY (playlist, position)
) STRICT, WITHOUT ROWID;
