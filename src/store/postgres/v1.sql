-- Version 1. Times of the journal are ms since 1970, file times ns. Machines judge each other by the clock of the
-- server. Later versions add; what they take away goes one version after nobody needs it.

CREATE TABLE meta (
    name  text PRIMARY KEY,
    value text NOT NULL
);

-- Which store this is, and which server posts were made with: another one may have forgotten something. `accepted`: how
-- often a person has said that the database counts as it is, `is_behind`: that a machine has missed a post in it since.
CREATE TABLE cluster (
    single    boolean PRIMARY KEY DEFAULT true CHECK (single),
    identity  text NOT NULL,
    system_id text NOT NULL,
    accepted  bigint NOT NULL DEFAULT 0,
    is_behind boolean NOT NULL DEFAULT false
);

-- Processes that hold leases, or held some. `machine`: what has one state directory; `process`: what tells others
-- there whether it has ended.
CREATE TABLE workers (
    id        text PRIMARY KEY,
    host      text NOT NULL,
    pid       bigint NOT NULL,
    machine   text NOT NULL,
    process   text,
    heartbeat timestamptz NOT NULL,
    stopped   timestamptz,
    version   text NOT NULL,
    -- What it does with the queue: 'works', 'drains', nothing.
    queue     text
);

CREATE TABLE leases (
    account text NOT NULL,
    kind    text NOT NULL,
    owner   text NOT NULL,
    worker  text NOT NULL REFERENCES workers (id),
    since   timestamptz NOT NULL,
    until   timestamptz NOT NULL,
    PRIMARY KEY (account, kind)
);

CREATE INDEX leases_of_worker ON leases (worker);

-- Who has claimed the posts of an account and has not said that it is done: it may be in the middle of a call, whoever
-- has the lease by now. `called`: when it last recorded what a call may follow.
CREATE TABLE holders (
    owner   text PRIMARY KEY,
    account text NOT NULL,
    worker  text NOT NULL REFERENCES workers (id),
    called  timestamptz
);

CREATE INDEX holders_of_account ON holders (account);
CREATE INDEX holders_of_worker ON holders (worker);

-- Logins. One that was forgotten leaves its generation, so that one that comes back is newer.
CREATE TABLE accounts (
    open_id             text PRIMARY KEY,
    generation          bigint NOT NULL,
    alias               text UNIQUE,
    app                 text,
    api                 text,
    refresh_fingerprint text,
    entry               text
);

-- Who is about to spend an account's refresh token, and has not said what came of it: it may have the only login that
-- lives.
CREATE TABLE spenders (
    account     text NOT NULL,
    worker      text NOT NULL REFERENCES workers (id),
    fingerprint text NOT NULL,
    since       timestamptz NOT NULL,
    PRIMARY KEY (account, worker)
);

CREATE INDEX spenders_of_worker ON spenders (worker);

-- Who may record of an account's posts. Its row is what writes of an account wait for. `timeline`: that of the server
-- when the account's last attempt began, after which nothing was left from before it.
CREATE TABLE epochs (
    account  text PRIMARY KEY,
    epoch    bigint NOT NULL,
    timeline text
);

-- Rows that are locked for what nobody else may be in the middle of, with how often that was.
CREATE TABLE numbers (
    name text PRIMARY KEY,
    last bigint NOT NULL
);

-- The numbers of posts. Those of an account come in the order in which they were recorded; what came to nothing leaves a
-- gap. A row that counted would keep every machine waiting for each commit of all others; the sequence of an identity needs
-- no rights of its own.
CREATE TABLE post_numbers (
    number integer GENERATED ALWAYS AS IDENTITY
);

-- What people asked for. A repost is a row of its own with the same `original`. A file is one of a machine, whose
-- `device` numbers are told from those of other machines.
CREATE TABLE posts (
    id          bigint PRIMARY KEY,
    original    bigint NOT NULL REFERENCES posts (id),
    repost      bigint NOT NULL,
    same_as     bigint REFERENCES posts (id),
    account     text NOT NULL,
    username    text,
    mode        text NOT NULL CHECK (mode IN ('direct', 'draft')),
    name        text,
    source      text NOT NULL CHECK (source IN ('file', 'url', 'photos')),
    label       text NOT NULL,
    path        bytea,
    machine     text,
    host        text,
    device      bigint,
    inode       bigint,
    size        bigint,
    mtime       bigint,
    ctime       bigint,
    chunk_size  bigint,
    chunks      bigint,
    fingerprint text,
    settings    text NOT NULL,
    caption     text,
    publish_at  bigint,
    created     bigint NOT NULL,
    published   boolean NOT NULL DEFAULT false,
    UNIQUE (original, repost),
    CHECK ((source = 'file') = (size IS NOT NULL)),
    CHECK ((source = 'file') = (chunks IS NOT NULL))
);

CREATE INDEX posts_by_size ON posts (account, mode, size) WHERE size IS NOT NULL;
-- A path may be longer than an entry of an index.
CREATE INDEX posts_by_path ON posts (account, mode, md5(path)) WHERE path IS NOT NULL;
CREATE INDEX posts_by_fingerprint ON posts (account, mode, fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX posts_by_label ON posts (account, mode, md5(label));
CREATE INDEX unpublished_posts ON posts (id) WHERE NOT published AND same_as IS NULL;

-- Every name by which a post is found again. That a key belongs to one post is what makes a second post of the
-- same thing impossible.
CREATE TABLE keys (
    account text NOT NULL,
    key     text NOT NULL,
    post    bigint NOT NULL REFERENCES posts (id),
    PRIMARY KEY (account, key)
);

CREATE INDEX keys_of_post ON keys (post);

CREATE TABLE attempts (
    post         bigint NOT NULL REFERENCES posts (id),
    number       bigint NOT NULL,
    chunks       bigint,
    phase        text NOT NULL,
    stored       bigint,
    failed       text,
    publish_id   text,
    upload_url   text,
    issued       bigint,
    issued_there bigint,
    post_ids     text NOT NULL DEFAULT '',
    code         text,
    message      text,
    log_id       text,
    created      bigint NOT NULL,
    updated      bigint NOT NULL,
    -- Who began it or went on with it last, and as which of those who took the account over.
    epoch        bigint NOT NULL,
    worker       text,
    PRIMARY KEY (post, number),
    CHECK ((stored IS NOT NULL) = (phase IN ('open', 'final-intent'))),
    CHECK ((failed IS NOT NULL) = (phase = 'failed')),
    CHECK (upload_url IS NULL OR phase IN ('open', 'final-intent'))
);

-- No attempt begins while another one of the post could still become a post, or became one.
CREATE UNIQUE INDEX one_living_attempt ON attempts (post)
    WHERE phase NOT IN ('rejected', 'lost', 'abandoned', 'failed');
CREATE INDEX attempts_by_time ON attempts (created);
CREATE INDEX unfinished_attempts ON attempts (post)
    WHERE phase IN ('init-intent', 'open', 'final-intent', 'uploaded', 'unresolved');

CREATE TABLE calls (
    account text NOT NULL,
    kind    text NOT NULL,
    at      bigint NOT NULL
);

CREATE INDEX calls_by_time ON calls (account, kind, at);

CREATE TABLE caps (
    subject text NOT NULL,
    kind    text NOT NULL,
    until   bigint NOT NULL,
    PRIMARY KEY (subject, kind)
);

-- The times that slots have given to posts.
CREATE TABLE bookings (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    kept   text NOT NULL
);

-- What is to be posted by whichever worker comes to it. Whether it was, the posts above tell.
CREATE TABLE queue (
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account    text NOT NULL,
    key        text NOT NULL,
    version    bigint NOT NULL DEFAULT 0,
    entry      text NOT NULL,
    label      text NOT NULL,
    -- Which machine has its file, if it is one; and what that is called.
    machine    text,
    host       text,
    publish_at bigint,
    added      bigint NOT NULL,
    failed     boolean NOT NULL DEFAULT false,
    why        text,
    hint       text,
    code       text,
    UNIQUE (account, key)
);

CREATE INDEX queue_to_make ON queue (account, publish_at) WHERE NOT failed;

-- When an account's queue is looked at again (ms since 1970), and who is at it.
CREATE TABLE turns (
    account text PRIMARY KEY,
    again   bigint NOT NULL,
    worker  text,
    until   timestamptz
);

CREATE INDEX turns_by_time ON turns (again);
