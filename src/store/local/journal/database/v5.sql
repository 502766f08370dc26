-- Version 5. The caption of a direct post of a video, by which it is found among those that TikTok lists.

ALTER TABLE posts ADD COLUMN caption TEXT;
