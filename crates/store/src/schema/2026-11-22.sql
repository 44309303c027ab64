-- The first schema. Times are seconds since 1970; NULL is "not". 64-bit hashes are stored as SQLite's
-- signed integers, bit for bit. Keys are bytes, because file names need not be text.

CREATE TABLE databases (
    id            INTEGER PRIMARY KEY,
    key           TEXT NOT NULL UNIQUE,
    persistent_id INTEGER NOT NULL
) STRICT;

CREATE TABLE sources (
    id             INTEGER PRIMARY KEY,
    database       INTEGER NOT NULL REFERENCES databases,
    name           TEXT NOT NULL,
    unshared_since INTEGER,
    UNIQUE (database, name)
) STRICT;

CREATE TABLE songs (
    id                INTEGER PRIMARY KEY,
    persistent_id     INTEGER NOT NULL,
    source            INTEGER NOT NULL REFERENCES sources,
    key               BLOB NOT NULL,
    stamp_size        INTEGER NOT NULL,
    stamp_modified_ns INTEGER NOT NULL,
    stamp_file        INTEGER NOT NULL,
    away_since        INTEGER,

    title             TEXT NOT NULL,
    artist            TEXT NOT NULL,
    album_artist      TEXT NOT NULL,
    album             TEXT NOT NULL,
    genre             TEXT NOT NULL,
    composer          TEXT NOT NULL,
    comment           TEXT NOT NULL,
    grouping          TEXT NOT NULL,
    sort_title        TEXT NOT NULL,
    sort_artist       TEXT NOT NULL,
    sort_album_artist TEXT NOT NULL,
    sort_album        TEXT NOT NULL,
    sort_composer     TEXT NOT NULL,
    track             INTEGER NOT NULL,
    track_count       INTEGER NOT NULL,
    disc              INTEGER NOT NULL,
    disc_count        INTEGER NOT NULL,
    year              INTEGER NOT NULL,
    bpm               INTEGER NOT NULL,
    compilation       INTEGER NOT NULL,
    content_rating    INTEGER NOT NULL, -- 0 none, 1 explicit, 2 clean
    media_kind        INTEGER NOT NULL, -- 1 music, 4 podcast, 8 audiobook
    duration_ms       INTEGER NOT NULL,
    size              INTEGER NOT NULL,
    bitrate_kbps      INTEGER NOT NULL,
    sample_rate       INTEGER NOT NULL,
    codec             INTEGER NOT NULL, -- numbered in songs.rs
    format            TEXT NOT NULL,
    has_artwork       INTEGER NOT NULL,
    modified          INTEGER NOT NULL,
    released          INTEGER NOT NULL,
    musicbrainz_album        BLOB,      -- 16 bytes, big-endian
    musicbrainz_album_artist BLOB,

    rating            INTEGER NOT NULL,
    play_count        INTEGER NOT NULL,
    skip_count        INTEGER NOT NULL,
    last_played       INTEGER NOT NULL,
    last_skipped      INTEGER NOT NULL,
    bookmark_ms       INTEGER NOT NULL,
    added             INTEGER NOT NULL
) STRICT;

CREATE TABLE playlists (
    id                INTEGER PRIMARY KEY,
    persistent_id     INTEGER NOT NULL,
    source            INTEGER NOT NULL REFERENCES sources,
    key               BLOB NOT NULL,
    stamp_size        INTEGER NOT NULL,
    stamp_modified_ns INTEGER NOT NULL,
    stamp_file        INTEGER NOT NULL,
    name              TEXT NOT NULL,
    parent            BLOB,
    is_folder         INTEGER NOT NULL,
    next_entry        INTEGER NOT NULL
) STRICT;

-- The songs of a playlist, by the key that the song has in the playlist's source.
CREATE TABLE entries (
    playlist INTEGER NOT NULL REFERENCES playlists,
    position INTEGER NOT NULL,
    id       INTEGER NOT NULL,
    key      BLOB NOT NULL,
    PRIMARY KEY (playlist, position)
) STRICT, WITHOUT ROWID;

-- The ids that come next; they only grow.
CREATE TABLE next_ids (
    kind TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
