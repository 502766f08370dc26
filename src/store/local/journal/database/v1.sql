-- Version 1. Times are ms since 1970, file times ns; `sum` is a checksum of the rest of the row.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What people asked for. A repost is a row of its own with the same `original`.
CREATE TABLE posts (
    id          INTEGER PRIMARY KEY,
    original    INTEGER NOT NULL REFERENCES posts (id),
    repost      INTEGER NOT NULL,
    same_as     INTEGER REFERENCES posts (id),
    account     TEXT NOT NULL,
    username    TEXT,
    mode        TEXT NOT NULL CHECK (mode IN ('direct', 'draft')),
    name        TEXT,
    source      TEXT NOT NULL CHECK (source IN ('file', 'url', 'photos')),
    label       TEXT NOT NULL,
    path        BLOB,
    device      INTEGER,
    inode       INTEGER,
    size        INTEGER,
    mtime       INTEGER,
    ctime       INTEGER,
    chunk_size  INTEGER,
    chunks      INTEGER,
    fingerprint TEXT,
    settings    TEXT NOT NULL,
    publish_at  INTEGER,
    created     INTEGER NOT NULL,
    sum         INTEGER NOT NULL DEFAULT 0,
    UNIQUE (original, repost),
    CHECK ((source = 'file') = (size IS NOT NULL)),
    CHECK ((source = 'file') = (chunks IS NOT NULL))
) STRICT;

-- Every name by which a post is found again: the user's id, its content, the file it was read from.
-- That a key belongs to one post is what makes a second post of the same thing impossible.
CREATE TABLE keys (
    id      INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    key     TEXT NOT NULL,
    post    INTEGER NOT NULL REFERENCES posts (id),
    sum     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, key)
) STRICT;

CREATE INDEX keys_of_post ON keys (post);

CREATE TABLE attempts (
    id         INTEGER PRIMARY KEY,
    post       INTEGER NOT NULL REFERENCES posts (id),
    number     INTEGER NOT NULL,
    chunks     INTEGER,
    phase      TEXT NOT NULL,
    stored     INTEGER,
    failed     TEXT,
    publish_id TEXT,
    upload_url TEXT,
    issued     INTEGER,
    post_ids   TEXT NOT NULL DEFAULT '',
    code       TEXT,
    message    TEXT,
    log_id     TEXT,
    created    INTEGER NOT NULL,
    updated    INTEGER NOT NULL,
    sum        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (post, number),
    CHECK ((stored IS NOT NULL) = (phase IN ('open', 'final-intent'))),
    CHECK ((failed IS NOT NULL) = (phase = 'failed')),
    CHECK (upload_url IS NULL OR phase IN ('open', 'final-intent'))
) STRICT;

-- No attempt begins while another one of the post could still become a post, or became one.
CREATE UNIQUE INDEX one_living_attempt ON attempts (post)
    WHERE phase NOT IN ('rejected', 'lost', 'abandoned', 'failed');

CREATE TABLE calls (
    id      INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    kind    TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

CREATE INDEX calls_by_time ON calls (account, kind, at);

CREATE TABLE caps (
    id      INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    kind    TEXT NOT NULL,
    until   INTEGER NOT NULL,
    sum     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (subject, kind)
) STRICT;
