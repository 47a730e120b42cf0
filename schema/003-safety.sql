-- What keeps our feed whole: who holds how much of it, who remembers its head, what was written while publishing was paused.

-- Peers that ever told of, or were given, messages of ours.
CREATE TABLE holders (
	peer INTEGER PRIMARY KEY,             -- a feed
	sequence INTEGER NOT NULL,            -- the highest number of ours it told or got
	at INTEGER NOT NULL,                  -- when it last told, wall ms
	spell INTEGER NOT NULL DEFAULT 0,     -- the pause in which the columns below were learnt (setting `spell`)
	told INTEGER NOT NULL DEFAULT -1,     -- the number it told then; -1: nothing yet
	is_confirmed INTEGER NOT NULL DEFAULT 0, -- its message at the lower of that number and our head is ours: 1; another: 2
	confirmed_at INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Others than peers that remember our newest message: browsers, the manifest of a backup, a file on another disk.
CREATE TABLE witnesses (
	name BLOB PRIMARY KEY,
	sequence INTEGER NOT NULL,
	key BLOB,                             -- NULL: only the number is known
	at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the owner wanted to publish while publishing was paused: content, never signed.
CREATE TABLE drafts (
	draft INTEGER PRIMARY KEY AUTOINCREMENT,
	nonce BLOB UNIQUE,                    -- the request's idempotency id; NULL: none
	at INTEGER NOT NULL,
	content BLOB NOT NULL
) STRICT;

-- Feeds wanted without a follow message, while nothing may be signed.
CREATE TABLE wants (
	feed INTEGER PRIMARY KEY,
	at INTEGER NOT NULL
) STRICT;

-- Messages of ours with a number we hold another message under: the other side of a fork of our own feed. Kept for ever.
CREATE TABLE branch (
	sequence INTEGER NOT NULL,
	key BLOB NOT NULL CHECK (length(key) = 32),
	body BLOB NOT NULL,
	at INTEGER NOT NULL,
	is_settled INTEGER NOT NULL DEFAULT 0, -- 1: of a side that the owner gave up; it alarms nobody again
	PRIMARY KEY (sequence, key)
) STRICT, WITHOUT ROWID;

-- Every change of state and every word of the owner about it, for ever.
CREATE TABLE safety_log (
	entry INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	event TEXT NOT NULL,                  -- "SUSPECT", "CLEAN", "FORKED", "RETIRED", "draft", "backup", "restore", …
	sequence INTEGER NOT NULL,            -- of our newest message then
	text TEXT NOT NULL                    -- one sentence
) STRICT;
