-- Version 6. Who may record: the last one who took an account over, by a number that nobody else has.

CREATE TABLE epochs (
    id      INTEGER PRIMARY KEY,
    account TEXT NOT NULL UNIQUE,
    epoch   INTEGER NOT NULL,
    sum     INTEGER NOT NULL DEFAULT 0
) STRICT;
