-- Pictures, sound and files; private words; a ceiling for what all of it takes.

-- Blobs we hold. The bytes are files of the data directory, named by their hash (store/blobs).
CREATE TABLE blobs (
	id BLOB PRIMARY KEY CHECK (length(id) = 32),
	bytes INTEGER NOT NULL,
	at INTEGER NOT NULL,                  -- when it came, ms
	used INTEGER NOT NULL,                -- when the owner last saw it, ms, to the hour
	keep INTEGER NOT NULL,                -- 0: held for others, 1: for the owner's reading, 2: never evicted (own, or of a private message)
	type TEXT NOT NULL                    -- as its first bytes say (feed/sniff); "" when that is nothing a page may show
) STRICT, WITHOUT ROWID;
CREATE INDEX blobs_used ON blobs (keep, used);

-- What the owner wants and is not here yet: asked for until it comes, or is given up by hand.
CREATE TABLE blob_wants (
	id BLOB PRIMARY KEY CHECK (length(id) = 32),
	at INTEGER NOT NULL,
	keep INTEGER NOT NULL DEFAULT 1       -- how it is kept when it comes, as in `blobs`
) STRICT, WITHOUT ROWID;

-- Own blobs that are still offered to peers until some have them.
CREATE TABLE blob_pushes (
	id BLOB PRIMARY KEY CHECK (length(id) = 32),
	at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the page took in for something that is being written. While nothing names it, it goes when it is old; what is named, or the owner added by hand, has no row.
CREATE TABLE uploads (
	id BLOB PRIMARY KEY CHECK (length(id) = 32),
	at INTEGER NOT NULL,                  -- when it was taken in last, ms
	was INTEGER NOT NULL                  -- how it was kept before, as in `blobs`; -1: it was not here
) STRICT, WITHOUT ROWID;

-- Which messages name which blobs, from public contents: a view, as in 002. `blob` is the first 8 bytes of the id.
CREATE TABLE blob_links (
	blob INTEGER NOT NULL,
	message INTEGER NOT NULL,
	feed INTEGER NOT NULL,
	PRIMARY KEY (blob, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_links_feed ON blob_links (feed, blob);

-- Of what an older kith stored: which blobs it names is made behind the next start.
DELETE FROM behind WHERE part = 1;
INSERT INTO behind (part, first, last) SELECT 1, 1, max(message) FROM messages HAVING max(message) > 0;

-- Messages that our key opens. What is known of them is sealed with a key derived from ours, so nothing of it can be read where the key is locked or is another.
CREATE TABLE private_messages (
	message INTEGER PRIMARY KEY,          -- its row in `messages`
	sealed BLOB NOT NULL
) STRICT;

-- People whom we block for all to see, and whose rows are here all the same: our latest word about them, which only we can read, ended that for us.
CREATE TABLE lifted (
	feed INTEGER PRIMARY KEY
) STRICT;

-- How far the owner has read each conversation, and what the owner decided about it: sealed the same way, named by a keyed hash of who takes part.
CREATE TABLE private_marks (
	name BLOB PRIMARY KEY CHECK (length(name) = 32),
	sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Feeds of which old messages were let go to stay below the ceiling, or because the owner had them removed: those below `below` are not here any more, but for those that are kept for the owner (bookmarked, private). What is above still follows what was stored then: `feeds` has the head as before.
CREATE TABLE let_go (
	feed INTEGER PRIMARY KEY,
	below INTEGER NOT NULL,               -- the first sequence that is still here; with `again` 2: behind the last that was once here
	at INTEGER NOT NULL,
	again INTEGER NOT NULL DEFAULT 0      -- 1: the owner wants them back, the rest is still to go; 2: they come again from the first
) STRICT;

-- What went to stay below the ceiling, one row for each kind and hour.
CREATE TABLE evictions (
	hour INTEGER NOT NULL,                -- wall ms / 3600000
	what TEXT NOT NULL,                   -- "blobs", "history", "backups"
	n INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	PRIMARY KEY (hour, what)
) STRICT, WITHOUT ROWID;
