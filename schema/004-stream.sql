-- A first sync in seconds: what is shown before it is complete, what is indexed behind it, what strangers may still send.

-- The newest messages of feeds whose history below them has not arrived. They are read by people only: never counted, never sent to a peer, gone when the chain has come up to them.
CREATE TABLE ahead (
	feed INTEGER NOT NULL,
	sequence INTEGER NOT NULL,
	message INTEGER NOT NULL UNIQUE,      -- from 2^48 on, so that it is no row of `messages`; `posts` may name it
	key_head INTEGER NOT NULL,
	key_tail BLOB NOT NULL CHECK (length(key_tail) = 24),
	received INTEGER NOT NULL,
	is_checked INTEGER NOT NULL,          -- 1: its own signature was checked; 0: the newest signature and the hash chain vouch for it
	body BLOB NOT NULL,                   -- canonical compact text
	PRIMARY KEY (feed, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX ahead_by_key ON ahead (key_head);

-- One row for each feed with something ahead, and what its author says of itself there: shown instead of `profiles` while the number it is from is above the stored head.
CREATE TABLE ahead_feeds (
	feed INTEGER PRIMARY KEY,
	first INTEGER NOT NULL,               -- sequences of its rows in `ahead`, as they came
	newest INTEGER NOT NULL,
	name TEXT NOT NULL DEFAULT '',
	name_from INTEGER NOT NULL DEFAULT 0, -- the sequence; 0: nothing is said there
	bio TEXT NOT NULL DEFAULT '',
	bio_from INTEGER NOT NULL DEFAULT 0,
	image BLOB,
	image_from INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Where a message is, by the first 8 bytes of its key. Written with live messages, and behind a bulk, in the order of the keys.
CREATE TABLE keys (
	key_head INTEGER NOT NULL,
	message INTEGER NOT NULL,
	PRIMARY KEY (key_head, message)
) STRICT, WITHOUT ROWID;
INSERT INTO keys (key_head, message) SELECT key_head, message FROM messages ORDER BY key_head, message;
DROP INDEX messages_by_key;

-- Runs of rows of `messages` that a bulk stored and that are due for rows elsewhere: in `posts`, `votes` and `search` (part 1), in `keys` (part 2). Some of a run may have them already.
CREATE TABLE behind (
	part INTEGER NOT NULL,
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	PRIMARY KEY (part, first)
) STRICT, WITHOUT ROWID;

-- The words of posts that have a row in `posts`; they themselves are in the message. rowid is (posts.at >> 20) << 28 | posts.message: in the order of time, to about 17 minutes, without a sort.
CREATE VIRTUAL TABLE search USING fts5(words, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2');

-- A row is the latest vote of `feed` about `link`, whatever the order in which they are read; `link` is the first 8 bytes of the message id.
DROP TABLE votes;
CREATE TABLE votes (
	link INTEGER NOT NULL,
	feed INTEGER NOT NULL,
	message INTEGER NOT NULL,             -- its row in `messages`; negative: it withdrew the like
	PRIMARY KEY (link, feed)
) STRICT, WITHOUT ROWID;

-- What a feed two hops away and further has sent today (days since 1970, UTC).
CREATE TABLE shares (
	feed INTEGER PRIMARY KEY,
	since INTEGER NOT NULL,               -- the day of its first row here
	day INTEGER NOT NULL,
	messages INTEGER NOT NULL,
	bytes INTEGER NOT NULL
) STRICT;

-- The sequences of the messages that `profiles` is from, so that they can be given before the history; 0: not known.
CREATE TABLE profiles_from (
	feed INTEGER PRIMARY KEY,
	name INTEGER NOT NULL,
	bio INTEGER NOT NULL,
	image INTEGER NOT NULL
) STRICT;

-- Of what an older kith stored: posts, likes and words are made behind the next start, the newest first.
DELETE FROM posts;
UPDATE figures SET n = 0 WHERE name = 'posts';
INSERT INTO behind (part, first, last) SELECT 1, 1, max(message) FROM messages HAVING max(message) > 0;
