-- The log: what was received and what we did. Never dropped, never rebuilt.

-- Everybody we have a message of, or somebody spoke of. Feed 1 is ourselves.
CREATE TABLE feeds (
	feed INTEGER PRIMARY KEY,
	id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
	sequence INTEGER NOT NULL DEFAULT 0,  -- of the newest stored message; 0: none
	head BLOB,                            -- its key
	timestamp REAL NOT NULL DEFAULT 0,    -- its claimed time
	at INTEGER NOT NULL DEFAULT 0,        -- the time it is shown by, ms
	edges INTEGER NOT NULL DEFAULT 0      -- rows of `contacts` by this feed
) STRICT;

-- A key is found by its first 8 bytes (as a big-endian integer); the other 24 are compared in the row.
CREATE TABLE messages (
	message INTEGER PRIMARY KEY,          -- order of arrival
	feed INTEGER NOT NULL,
	sequence INTEGER NOT NULL,
	key_head INTEGER NOT NULL,
	key_tail BLOB NOT NULL CHECK (length(key_tail) = 24),
	received INTEGER NOT NULL,            -- our time of arrival, ms
	body BLOB NOT NULL                    -- canonical compact text, sent again as it is
) STRICT;
CREATE UNIQUE INDEX messages_by_feed ON messages (feed, sequence);
CREATE INDEX messages_by_key ON messages (key_head);

-- One proof per feed that its author signed two histories; the first seen stays in `messages`.
CREATE TABLE forks (
	feed INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	proof BLOB NOT NULL
) STRICT;

-- What a peer told or proved to have: -1 (does not want it) or a sequence.
CREATE TABLE clocks (
	peer INTEGER NOT NULL,
	feed INTEGER NOT NULL,
	note INTEGER NOT NULL,
	PRIMARY KEY (peer, feed)
) STRICT, WITHOUT ROWID;

CREATE TABLE addresses (
	feed INTEGER NOT NULL,
	text BLOB NOT NULL,
	added INTEGER NOT NULL,
	tried INTEGER NOT NULL DEFAULT 0,
	reached INTEGER NOT NULL DEFAULT 0,
	failures INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (feed, text)
) STRICT, WITHOUT ROWID;

-- The feeds we replicate, as last computed.
CREATE TABLE reach (
	feed INTEGER PRIMARY KEY,
	hops INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
	name BLOB PRIMARY KEY,
	text BLOB NOT NULL,
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
	name BLOB PRIMARY KEY,
	text BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Idempotency ids of publishing: the same id again gets the first answer.
CREATE TABLE nonces (
	nonce BLOB PRIMARY KEY,
	sequence INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

-- Row counts that would cost a scan, kept by the writer.
CREATE TABLE figures (
	name TEXT PRIMARY KEY,
	n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO figures (name, n) VALUES ('edges', 0), ('feeds', 0), ('forks', 0), ('messages', 0), ('posts', 0);
