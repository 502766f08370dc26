-- Version 2. TikTok's own clock when it answered the init, in ms: this machine's may be set.

ALTER TABLE attempts ADD COLUMN issued_there INTEGER;
