-- The views: derived from the log, row by row, in the transaction that stores the message. May be dropped and rebuilt.
-- Somebody we block has no posts and no votes here, so no query has to remember to leave them out.

-- `root` and `fork` are the first 8 bytes of those ids; the full ids are in the message.
CREATE TABLE posts (
	message INTEGER PRIMARY KEY,
	feed INTEGER NOT NULL,
	at INTEGER NOT NULL,                  -- min(claimed, received), ms
	home INTEGER NOT NULL,                -- 1: by us or by somebody we follow
	root INTEGER,
	fork INTEGER
) STRICT;
CREATE INDEX posts_home ON posts (at) WHERE home = 1;
CREATE INDEX posts_wide ON posts (at);
CREATE INDEX posts_of ON posts (feed, at);
CREATE INDEX posts_root ON posts (root) WHERE root IS NOT NULL;
CREATE INDEX posts_fork ON posts (fork) WHERE fork IS NOT NULL;

-- A row is a like that was not withdrawn; `link` is the first 8 bytes of the message id.
CREATE TABLE votes (
	link INTEGER NOT NULL,
	feed INTEGER NOT NULL,
	PRIMARY KEY (link, feed)
) STRICT, WITHOUT ROWID;

-- The latest contact message of `feed` about `about` decides: 0 neither, 1 follow, 2 block.
CREATE TABLE contacts (
	feed INTEGER NOT NULL,
	about INTEGER NOT NULL,
	edge INTEGER NOT NULL,
	PRIMARY KEY (feed, about)
) STRICT, WITHOUT ROWID;
CREATE INDEX contacts_about ON contacts (about, edge, feed);
CREATE INDEX contacts_blocks ON contacts (feed, about) WHERE edge = 2;

-- What a feed says of itself; `name` is clamped and cleaned for showing.
CREATE TABLE profiles (
	feed INTEGER PRIMARY KEY,
	name TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
	bio TEXT NOT NULL DEFAULT '',
	image BLOB
) STRICT;
