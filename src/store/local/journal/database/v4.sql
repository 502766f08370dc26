-- Version 4. What `status` shows is found without a walk over all that was ever posted.

-- The posts that are neither published nor the same as another one; what TikTok still has of them, or may get.
CREATE TABLE pending (
    post INTEGER PRIMARY KEY REFERENCES posts (id)
) STRICT;

INSERT INTO pending SELECT id FROM posts WHERE same_as IS NULL
    AND NOT EXISTS (SELECT 1 FROM attempts WHERE post = posts.id AND phase = 'published');

CREATE TRIGGER post_is_made AFTER INSERT ON posts WHEN NEW.same_as IS NULL BEGIN
    INSERT INTO pending (post) VALUES (NEW.id);
END;

CREATE TRIGGER post_is_joined AFTER UPDATE OF same_as ON posts WHEN NEW.same_as IS NOT NULL BEGIN
    DELETE FROM pending WHERE post = NEW.id;
END;

CREATE TRIGGER post_is_parted AFTER UPDATE OF same_as ON posts WHEN NEW.same_as IS NULL BEGIN
    INSERT OR IGNORE INTO pending (post) VALUES (NEW.id);
END;

CREATE TRIGGER post_is_published AFTER UPDATE OF phase ON attempts WHEN NEW.phase = 'published' BEGIN
    DELETE FROM pending WHERE post = NEW.post;
END;

CREATE TRIGGER published_post_is_restored AFTER INSERT ON attempts WHEN NEW.phase = 'published' BEGIN
    DELETE FROM pending WHERE post = NEW.post;
END;

DROP INDEX posts_by_label;

CREATE INDEX posts_by_label ON posts (account, mode, label);
