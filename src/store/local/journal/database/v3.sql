-- Version 3. What a run looks for is found by an index, however many posts there are.

CREATE INDEX posts_by_size ON posts (account, mode, size) WHERE size IS NOT NULL;

CREATE INDEX posts_by_path ON posts (account, mode, path) WHERE path IS NOT NULL;

CREATE INDEX posts_by_fingerprint ON posts (account, mode, fingerprint) WHERE fingerprint IS NOT NULL;

CREATE INDEX posts_by_label ON posts (account, mode, label) WHERE source <> 'file';

CREATE INDEX attempts_by_time ON attempts (created);

CREATE INDEX unfinished_attempts ON attempts (post)
    WHERE phase IN ('init-intent', 'open', 'final-intent', 'uploaded', 'unresolved');
