-- The page people stay on: what the owner keeps on this node and never signs, and the views behind tags and activity.

-- Kept for the owner alone: in no message, sent to no peer.

-- People whose posts are shown nowhere, though they are kept and passed on. As with somebody blocked, they have no rows in `posts`, `votes`, `search`, `tags` and `activity`.
CREATE TABLE mutes (
	feed INTEGER PRIMARY KEY,
	at INTEGER NOT NULL
) STRICT;

-- What the owner calls somebody.
CREATE TABLE petnames (
	feed INTEGER PRIMARY KEY,
	name TEXT NOT NULL COLLATE NOCASE
) STRICT;

CREATE TABLE bookmarks (
	key BLOB PRIMARY KEY CHECK (length(key) = 32),
	at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bookmarks_at ON bookmarks (at);

-- How far the owner has read, in any browser: "home", "wide", "activity". Both numbers are a place in the order (at, message) of those lists, and only rise.
CREATE TABLE marks (
	name BLOB PRIMARY KEY,
	at INTEGER NOT NULL,
	message INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is being written, one row for each composer: "home", or the root of a conversation.
CREATE TABLE writing (
	name BLOB PRIMARY KEY,
	at INTEGER NOT NULL,
	rev INTEGER NOT NULL,                 -- rises with each change, never used twice under one name
	body BLOB NOT NULL                    -- JSON of the page; empty: done with, the row keeps the number
) STRICT, WITHOUT ROWID;

-- What was posted and may still be taken back: signed when its time has come, by this node, whether or not a browser is still there.
CREATE TABLE outbox (
	nonce BLOB PRIMARY KEY,
	at INTEGER NOT NULL,
	due INTEGER NOT NULL,                 -- wall ms
	content BLOB NOT NULL,                -- as it will be signed
	body BLOB NOT NULL                    -- JSON as the page sent it, for taking it back
) STRICT, WITHOUT ROWID;

-- Views, as in 002.

-- A tag as it is compared (feed/tag) for each post that has it.
CREATE TABLE tags (
	tag TEXT NOT NULL,
	at INTEGER NOT NULL,                  -- of the post
	message INTEGER NOT NULL,
	PRIMARY KEY (tag, at, message)
) STRICT, WITHOUT ROWID;
-- Posts that are ahead of their history go without being read again.
CREATE INDEX tags_ahead ON tags (message) WHERE message >= 281474976710656;

-- Rows of `tags`, counted.
CREATE TABLE tag_counts (
	tag TEXT PRIMARY KEY,
	n INTEGER NOT NULL,
	at INTEGER NOT NULL                   -- of the newest
) STRICT, WITHOUT ROWID;

-- The words of posts again, with marks of signs (M*), with runs of Chinese, Japanese, Korean and their like as pairs of letters, and with marks for author and tags (store/search_text).
DROP TABLE search;
CREATE VIRTUAL TABLE search USING fts5(words, content='', columnsize=0, tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co M*'");

-- Every different word of them (none is ever taken out but when all are made again), and its parts: so that a post is found by a part of a word without parts of every word of every post.
CREATE TABLE words (
	word INTEGER PRIMARY KEY,
	text TEXT NOT NULL UNIQUE
) STRICT;
CREATE VIRTUAL TABLE word_parts USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram');

-- What others did that concerns the owner. kind 1: mentions us, 2: answers a post of ours, 3: likes a post of ours, 4: follows us.
CREATE TABLE activity (
	at INTEGER NOT NULL,                  -- when it came, or was written when that was long before
	message INTEGER NOT NULL,             -- theirs
	kind INTEGER NOT NULL,
	feed INTEGER NOT NULL,                -- who
	link INTEGER,                         -- the first 8 bytes of our post's id; kinds 2 and 3
	PRIMARY KEY (at, message, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX activity_feed ON activity (feed, kind, link);
CREATE INDEX activity_kind ON activity (kind, at);
CREATE INDEX activity_like ON activity (link, at) WHERE kind = 3;

-- Our own messages by their keys: at hand in a bulk too, when `keys` is still to be written.
CREATE INDEX messages_own ON messages (key_head) WHERE feed = 1;

-- Messages of which a conversation spoke and that came alone, because the owner asked for them; the signature of each was checked. Read by conversations only: in no count, never sent to a peer, gone when their history has come up to them.
CREATE TABLE strays (
	stray INTEGER PRIMARY KEY,            -- rises: the oldest give way
	key_head INTEGER NOT NULL,
	key_tail BLOB NOT NULL CHECK (length(key_tail) = 24),
	feed INTEGER NOT NULL,
	sequence INTEGER NOT NULL,
	at INTEGER NOT NULL,                  -- min(claimed, received), ms
	received INTEGER NOT NULL,
	is_post INTEGER NOT NULL,
	root INTEGER,                         -- of a post, as in `posts`
	body BLOB NOT NULL,                   -- canonical compact text
	UNIQUE (key_head, key_tail)
) STRICT;
CREATE INDEX strays_of ON strays (feed, sequence);
CREATE INDEX strays_root ON strays (root) WHERE root IS NOT NULL;

-- Of what an older kith stored: tags, activity and words are made behind the next start.
DELETE FROM posts;
UPDATE figures SET n = 0 WHERE name = 'posts';
DELETE FROM behind WHERE part = 1;
INSERT INTO behind (part, first, last) SELECT 1, 1, max(message) FROM messages HAVING max(message) > 0;
