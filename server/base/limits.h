/**
 * base/limits: every limit of the program, each with its unit in the name, one line each.
 * At the limit an input passes, one above it is refused, and far above it is refused with memory
 * flat.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define KIB 1024
#define MIB (1024 * 1024)

/* Messages (protocol/01). */
#define LIMIT_MESSAGE_BYTES (64 * KIB) /* a message as it arrives */
#define LIMIT_MESSAGE_UNITS 8192       /* UTF-16 units of the signed form */
#define LIMIT_JSON_DEPTH 64            /* deeper cannot be a valid message */
#define LIMIT_TYPE_UNITS_MIN 3
#define LIMIT_TYPE_UNITS_MAX 52
#define LIMIT_SECRET_FILE_BYTES (16 * KIB)

/* Connections (protocol/02, 03). */
#define LIMIT_BOX_BODY_BYTES 4096
#define LIMIT_RPC_JSON_BYTES (64 * KIB) /* any JSON body but a clock note */
#define LIMIT_RPC_NOTE_BYTES (2 * MIB)  /* a clock note */
#define LIMIT_RPC_NOTE_BYTES_STRANGER (256 * KIB)
#define LIMIT_RPC_PASSED_BYTES (16 * MIB) /* … of a JSON item that is passed over unread */
#define LIMIT_NOTE_ENTRIES 20000
#define LIMIT_RPC_BINARY_BYTES (64 * KIB) /* blob chunk, string item */
#define LIMIT_RPC_STREAMS 64              /* open at once, per peer, opened by the peer */
#define LIMIT_RPC_REQUESTS 32             /* ours that wait for an answer, per peer */
#define LIMIT_RPC_ERRORS_PER_MINUTE 10
#define LIMIT_RPC_ARGS_DEPTH 16
#define LIMIT_RPC_NAME_BYTES 128       /* of a method, parts and dots */
#define LIMIT_RPC_ERROR_BYTES 4096     /* an error body that is sent back as it came */
#define LIMIT_RPC_ERROR_TEXT_BYTES 256 /* what is kept of a peer's error message */
#define LIMIT_PEERS 256
#define LIMIT_PEERS_MAX 16000  /* that the owner may allow instead */
#define LIMIT_STRANGERS_OF_4 3 /* quarters of the peers that may be out of reach */
#define LIMIT_PEERS_PER_ADDRESS 16
#define LIMIT_HANDSHAKES 240 /* under way at once: a crowd of 200 friends gets in together */
#define LIMIT_HANDSHAKES_PER_ADDRESS 4
#define LIMIT_ACCEPTS_PER_SECOND 100
#define LIMIT_ACCEPTS_PER_SECOND_ADDRESS 10
#define LIMIT_ACCEPTS_PER_SECOND_KNOWN 100 /* besides, for addresses that shook hands lately */
#define LIMIT_ACCEPTS_KNOWN 1024           /* such addresses */
#define LIMIT_ACCEPTS_WAITING 400          /* for the rate: nobody waits longer than 4 seconds */
#define LIMIT_HANDSHAKE_MS 5000            /* the whole of it */
#define LIMIT_PEER_OUT_BYTES (1 * MIB)
#define LIMIT_PEER_OUT_LOW_BYTES (256 * KIB)   /* a paused source goes on below this */
#define LIMIT_PEERS_BUFFER_BYTES (64 * MIB)    /* all peers together … */
#define LIMIT_PEERS_BUFFER_BYTES_MIN (8 * MIB) /* … of a node with little memory (base/memory) */
#define LIMIT_SOCKET_UNSENT_BYTES (128 * KIB)  /* in the kernel, of one socket */
#define LIMIT_SOCKET_UNREAD_BYTES (256 * KIB)  /* there, too; it takes twice for its own books */
#define LIMIT_WRITE_STALL_MS 30000
#define LIMIT_UNACKED_MS 60000 /* what we sent and their kernel never acknowledged: closed */
#define LIMIT_PEER_IDLE_MS 300000
#define LIMIT_LINGER_MS 1000           /* after our last byte, for the other side's */
#define LIMIT_LOOP_POSTS 4096          /* from other threads, waiting for the loop */
#define LIMIT_REFUSALS_PER_SECOND 5000 /* connections accepted only to be closed */
#define LIMIT_DIAL_ADDRESSES 8         /* of one name */
#define LIMIT_DIAL_MS 10000            /* name look-up and TCP connect */

/* Replication (protocol/04, 05). */
#define LIMIT_FEEDS 10000       /* replicated */
#define LIMIT_FEEDS_KNOWN 40000 /* remembered, replicated or not */
#define LIMIT_HOPS_MAX 3
#define LIMIT_GRAPH_EDGES 2000000
#define LIMIT_GRAPH_EDGES_PER_AUTHOR 20000
#define LIMIT_INGEST_MESSAGES 4000 /* between socket and writer */
#define LIMIT_INGEST_BYTES (6 * MIB)
#define LIMIT_INGEST_SHARE 4  /* of both, at least 1/4 stays for whoever sends little */
#define LIMIT_VERIFY_BATCH 64 /* messages per worker job */
#define LIMIT_WRITER_JOBS 256
#define LIMIT_VERIFY_JOBS 4                  /* in the worker pool at once */
#define LIMIT_HISTORY_CHUNK_BYTES (64 * KIB) /* read from the store in one go */
#define LIMIT_NOTES_PER_ITEM 800             /* that we send; about 50 KiB */
#define LIMIT_EBT_SILENCE_MS 5000            /* as dialler: then our notes go first */
#define LIMIT_EBT_WAIT_MS 60000              /* as dialled: then history streams */
#define LIMIT_EBT_STALL_MS 3000              /* nothing came though the peer has more: ask again */
#define LIMIT_EBT_HANDOVER_MS \
	3000                    /* a source gave nothing and another peer has more: the next one */
#define LIMIT_EBT_FEED_MS 30000 /* … though it gives of other feeds */
#define LIMIT_EBT_ASKS 2        /* such questions; then history streams */
#define LIMIT_FETCH_STREAMS 24  /* history streams of ours, per peer */
#define LIMIT_FETCH_AHEAD_MESSAGES 64 /* out of order, held back per stream */
#define LIMIT_FETCH_AHEAD_BYTES (256 * KIB)
#define LIMIT_FETCH_PAUSE_MS 30000 /* between two rounds over more feeds than streams */
#define LIMIT_PING_MS 120000       /* between two pings of ours */
#define LIMIT_PING_ANSWER_MS 60000 /* without an answer, or anything else: closed */
#define LIMIT_PROBE_MS 20000       /* … right after this machine slept */
#define LIMIT_DIALS 8              /* under way at once */
#define LIMIT_DIALLED_PEERS 32     /* by the schedule; what the owner asks for comes on top */
#define LIMIT_SLOTS_FRIENDS 20     /* of these 32, for people we follow */
#define LIMIT_SLOTS_LAN 8          /* … for others within reach, heard in the local network */
#define LIMIT_SLOTS_OTHERS 4       /* … for the rest: farther away, or only named by the owner */
#define LIMIT_STEADY_MS 10000      /* a connection of that age worked: failures are forgotten */
#define LIMIT_TURN_MS 600000       /* connected so long while others wait: gives way … */
#define LIMIT_BUSY_MS 30000        /* … but not so soon after messages streamed */
#define LIMIT_PULSE_MS 10000       /* between two looks while somebody is connected or waits */
#define LIMIT_ASLEEP_MS 10000      /* a clock that jumped so far tells of a sleep */
#define LIMIT_SPREAD_MS 5000       /* dials after a sleep or a common loss begin within */
#define LIMIT_WAYS 4               /* addresses per key */
#define LIMIT_LAN_SILENCE_MS 15000 /* a LAN peer not heard of is forgotten */
#define LIMIT_ADDRESS_BYTES 512
#define LIMIT_HOST_BYTES 253
#define LIMIT_PASTED_BYTES 2048 /* a key and an address in one box */
#define LIMIT_BEACON_BYTES 1024
#define LIMIT_BEACON_MS 5000 /* between two of ours */
#define LIMIT_BEACONS_PER_SECOND 20
#define LIMIT_LAN_PEERS 256
#define LIMIT_KNOWN_ADDRESSES 4096
#define LIMIT_DIAL_BACKOFF_MS_MIN 1000
#define LIMIT_DIAL_BACKOFF_MS_MAX 600000
#define LIMIT_DIAL_BACKOFF_MS_MAX_LAN 30000     /* of a way that was heard */
#define LIMIT_DIAL_BACKOFF_MS_MAX_OFFLINE 15000 /* when it is our own network that is missing */

/* The newest messages first (sync/newest, feed/window, store/ahead). */
#define LIMIT_WINDOW_MESSAGES 50       /* of one feed */
#define LIMIT_WINDOW_BYTES (512 * KIB) /* of one feed, all told: then fewer messages */
#define LIMIT_WINDOW_PROFILES 4        /* messages of an author about itself, beside them */
#define LIMIT_NEWEST_FEEDS 32          /* asked for in one call */
#define LIMIT_NEWEST_CALLS 2           /* of ours at once, per peer; and of a peer's */
#define LIMIT_NEWEST_PER_MINUTE 60     /* calls of one peer */
#define LIMIT_NEWEST_HISTORY 4         /* createHistoryStream instead, at once, per peer */
#define LIMIT_NEWEST_MS 20000          /* for an answer; then another peer is asked */
#define LIMIT_AHEAD_FEEDS 2000         /* held apart at once; the nearest first */

/* Fair shares among peers (security.md §1). */
#define LIMIT_FEEDS_PER_FRIEND 2000 /* that one friend brings within reach */
#define LIMIT_FAR_FEED_MESSAGES_PER_DAY \
	1000 /* of a feed we do not follow ourselves; then it pauses */
#define LIMIT_FAR_FEED_FIRST_MESSAGES 30000 /* on the day its first message came */
#define LIMIT_FAR_FEED_BYTES_PER_DAY (20LL * MIB)
#define LIMIT_PEER_BYTES_PER_HOUR (2048LL * MIB) /* in, and as much out; a friend's */
#define LIMIT_PEER_BYTES_PER_HOUR_STRANGER (128LL * MIB)
#define LIMIT_BUDGETS 4096 /* of peers that are gone, remembered until they would be full again */
#define LIMIT_PEER_BAD_SIGNATURES 20 /* in a minute: closed, and not dialled for an hour */

/* Web (security.md §5). */
#define LIMIT_HTTP_CONNECTIONS 64   /* by network; and as many by the Unix socket */
#define LIMIT_HTTP_PER_ADDRESS 16   /* of those without a session */
#define LIMIT_HTTP_PATIENCE_MS 1000 /* with a stranger's head or reading, when places run out */
#define LIMIT_TRUSTED_PROXIES 16    /* addresses and nets in `trusted-proxies` */
#define LIMIT_HTTP_HEAD_BYTES (16 * KIB)
#define LIMIT_HTTP_HEADERS 64
#define LIMIT_HTTP_TARGET_BYTES 2048
#define LIMIT_HTTP_HEAD_MS 10000
#define LIMIT_HTTP_BODY_BYTES (64 * KIB)
#define LIMIT_HTTP_BODY_DEPTH 16
#define LIMIT_HTTP_REQUESTS_PER_SECOND 20
#define LIMIT_HTTP_REQUESTS_BURST 60
#define LIMIT_HTTP_LOOKS_PER_SECOND 100 /* blobs: a page of pictures asks for many at once */
#define LIMIT_HTTP_LOOKS_BURST 400
#define LIMIT_PUBLISH_PER_MINUTE 10
#define LIMIT_PUBLISH_WAIT_MS 5000
#define LIMIT_LOGIN_FAILURES 5 /* per 15 minutes and address */
#define LIMIT_LOGIN_PER_MINUTE 20
#define LIMIT_PASSPHRASE_TRIES 5 /* and passwords, at once: one works, the others wait */
#define LIMIT_SESSIONS 32
#define LIMIT_LONG_CODES 8 /* unused ones; the oldest gives way */
#define LIMIT_LONG_CODE_MS 600000
#define LIMIT_SHORT_CODES 5 /* that are typed */
#define LIMIT_SHORT_CODE_MS 120000
#define LIMIT_ROTATE_MS 60000       /* between two pairs of a session, and the old one's end */
#define LIMIT_DEVICE_NAME_BYTES 63  /* what a browser calls itself, or its owner calls it */
#define LIMIT_PASSWORD_BYTES_MIN 10 /* of the web port */
#define LIMIT_PASSWORD_BYTES 1024
#define LIMIT_PASSWORD_WORK_OPS 3            /* argon2id: passes … */
#define LIMIT_PASSWORD_WORK_BYTES (64 * MIB) /* … over so much memory */
#define LIMIT_SESSION_IDLE_MS (7LL * 24 * 3600 * 1000)
#define LIMIT_SESSION_MS (30LL * 24 * 3600 * 1000)
#define LIMIT_LIVE_PER_SESSION 8
#define LIMIT_LIVE_FRAME_BYTES (64 * KIB)
#define LIMIT_LIVE_QUEUE_BYTES (1 * MIB)
#define LIMIT_LIVE_HELLO_MS 5000
#define LIMIT_LIVE_MESSAGES_PER_SECOND 20
#define LIMIT_PAGE_ROWS 100
#define LIMIT_QUERY_MS 2000
#define LIMIT_SEARCH_WORDS 8
#define LIMIT_SEARCH_CHARS 256 /* of all of them */
#define LIMIT_SEARCH_PARTS 256 /* words that one part of a word stands for */
#define LIMIT_SEARCH_PEOPLE 8  /* shown above the posts; and whose posts `from:` asks for */
#define LIMIT_SEARCH_TAGS 8
#define LIMIT_SEARCH_MS 250
#define LIMIT_THREAD_POSTS 1000 /* shown of one thread */
#define LIMIT_THREAD_MISSING 50 /* stand-ins for ids we do not hold, per thread */

/* What the owner keeps on the node. */
#define LIMIT_MUTES 10000
#define LIMIT_PETNAMES 10000
#define LIMIT_PETNAME_BYTES 128
#define LIMIT_BOOKMARKS 100000
#define LIMIT_WRITINGS 200 /* composers with something in them */
#define LIMIT_WRITING_BYTES (32 * KIB)
#define LIMIT_WRITING_SEAL_BYTES 41 /* more, when it is private */
#define LIMIT_WRITING_NAME_BYTES 64
#define LIMIT_OUTBOX 20            /* posts that may still be taken back */
#define LIMIT_OUTBOX_HOLD_MS 60000 /* at most; the page asks for ten seconds */
#define LIMIT_ACTIVITY_LATE_MS (30LL * 24 * 3600 * 1000) /* later is history, and no news */
#define LIMIT_TAGS_PER_POST 20
#define LIMIT_TAG_UNITS 30          /* what is behind is cut off, as everywhere */
#define LIMIT_TAG_BYTES 128         /* the same, with its NUL */
#define LIMIT_MISSING_ASKED 20      /* ids of one conversation asked for at once */
#define LIMIT_MISSING_MS 10000      /* for all answers to it */
#define LIMIT_MISSING_CALLS 2       /* of a peer's for single messages, at once */
#define LIMIT_MISSING_PER_MINUTE 60 /* … and in a minute */
#define LIMIT_STRAYS 10000          /* messages held that came alone, because they were asked for */

#define LIMIT_VEIL_MARKS 700000 /* runs of words of people we block, 8 bytes each */
#define LIMIT_VEIL_MS 20000 /* to gather them, once for each block and start; what came counts */

/* Blobs (protocol/04 §5). */
#define LIMIT_BLOB_BYTES (5 * MIB) /* a blob is shorter than this, here and everywhere */
#define LIMIT_BLOB_WANTS 10000     /* of ours and of others, together */
#define LIMIT_BLOB_WANTS_PER_PEER 1000
#define LIMIT_BLOB_WANTS_PER_ITEM 1000 /* ids in one item of createWants */
#define LIMIT_BLOB_SYMPATHY 3          /* a want that came from so far is not ours */
#define LIMIT_BLOB_PUSHES 3            /* peers that are to have what we posted */
#define LIMIT_BLOB_DOWNLOADS 8
#define LIMIT_BLOB_DOWNLOADS_PER_PEER 2
#define LIMIT_BLOB_SERVED_PER_PEER 8                /* blobs.get and getSlice at once */
#define LIMIT_BLOB_HAS_IDS 1000                     /* in one blobs.has */
#define LIMIT_BLOB_STALL_MS 30000                   /* no byte for so long: another holder */
#define LIMIT_BLOB_FAR_BYTES (2048LL * MIB)         /* held for others, all together */
#define LIMIT_BLOB_FAR_BYTES_PER_PEER (200LL * MIB) /* a day, for one peer's wants */
#define LIMIT_BLOB_HOLDERS 16                       /* remembered of one blob that is wanted */
#define LIMIT_BLOB_LIARS 64   /* … and those who gave something else for it */
#define LIMIT_BLOB_LIES 8     /* of one peer: nothing more is fetched from it in this connection */
#define LIMIT_BLOB_ANSWERS 24 /* blobs told to a peer and not fetched yet */
#define LIMIT_BLOB_LOOKS_PER_MINUTE 20000       /* ids that one peer wants or asks for */
#define LIMIT_BLOB_WAITING_BYTES (512 * KIB)    /* of a download, for the disk: its peer waits */
#define LIMIT_BLOB_WRITES 2                     /* downloads that write at once */
#define LIMIT_BLOB_DOWNLOAD_MS 600000           /* the whole of one: another holder */
#define LIMIT_BLOB_WANT_MS (24LL * 3600 * 1000) /* somebody else's want is remembered */
#define LIMIT_BLOB_RETRY_MS_MIN 30000 /* a want of ours is told again; the pause doubles */
#define LIMIT_BLOB_RETRY_MS_MAX 3600000
#define LIMIT_BLOBS_PER_POST 20
#define LIMIT_BLOB_UPLOADS 4 /* at once: each may be sealed in memory */
#define LIMIT_BLOB_UPLOAD_MS \
	(7 * 24 * 3600 * 1000LL) /* taken in by the page and named nowhere: then it goes */
#define LIMIT_BLOB_LINKS 128     /* of one message, in the view: more do not fit into one */
#define LIMIT_BLOB_WANT_AGE_MS (30 * 24 * 3600 * 1000LL) /* of posts that bring pictures along */
#define LIMIT_SNIFF_BYTES 512
#define LIMIT_BLOB_UNSEALED 8 /* encrypted blobs opened in memory at once, for browsers */
#define LIMIT_UPLOAD_STEP_BYTES (64 * KIB) /* so much of an upload in LIMIT_HTTP_HEAD_MS */

/* Private words (protocol/06, 09). */
#define LIMIT_BOX_RECIPIENTS 7        /* written, ourselves among them */
#define LIMIT_BOX_SLOTS 8             /* tried of a .box */
#define LIMIT_BOX2_SLOTS 16           /* tried of a .box2 */
#define LIMIT_PRIVATE_MESSAGES 200000 /* that our key opens, known in memory */
#define LIMIT_PRIVATE_MARKS 20000    /* conversations of which it is known how far they were read */
#define LIMIT_PRIVATE_MARK_BYTES 320 /* of one, sealed */
#define LIMIT_PRIVATE_UNIT 256       /* boxes tried in one go, off every other path */

/* Disk and memory. */
#define LIMIT_CEILING_BYTES (10240LL * MIB)  /* of the data directory, or half of what is free */
#define LIMIT_CEILING_BYTES_MIN (64LL * MIB) /* that the owner may set */
#define LIMIT_CEILING_BYTES_MAX (1LL << 50)
#define LIMIT_CEILING_PER_MILLE 10 /* above and below it */
#define LIMIT_DISK_FREE_BLOBS_BYTES (500LL * MIB)
#define LIMIT_DISK_FREE_REPLICATION_BYTES (200LL * MIB)
#define LIMIT_DISK_FREE_OWN_BYTES (32LL * MIB)
#define LIMIT_DISK_RESERVE_BYTES (16LL * MIB)
#define LIMIT_WAL_BYTES (64LL * MIB)

/* Publishing without forks (restore.md §4). */
#define LIMIT_GUARD_QUIET_MS 600000              /* nothing newer for so long: U1, U2 */
#define LIMIT_GUARD_QUIET_LONG_MS 1800000        /* U3 */
#define LIMIT_GUARD_HALF_MS (24LL * 3600 * 1000) /* since the pause began: U3 */
#define LIMIT_GUARD_HALF_HOLDERS 3               /* at least: U3 */
#define LIMIT_GUARD_CLAIM_MS 60000        /* a claim without a message pauses at most so long */
#define LIMIT_GUARD_CLAIM_REST_MS 3600000 /* after an empty claim, until another one may pause */
#define LIMIT_GUARD_CLOCK_BACK_MS (24LL * 3600 * 1000)
#define LIMIT_GREETING_MS 5000 /* after the start, for peers to speak before the first post */
#define LIMIT_HOLDER_SEEN_MS (30LL * 24 * 3600 * 1000) /* holders asked for: seen since */
#define LIMIT_HOLDERS 1000
#define LIMIT_WITNESSES 64
#define LIMIT_SAFETY_NAME_BYTES 128  /* of a witness, of an event in the safety log */
#define LIMIT_SAFETY_TEXT_BYTES 1024 /* of a sentence in the safety log */
#define LIMIT_DRAFTS 1000            /* kept while publishing is paused */
#define LIMIT_WANTS 100
#define LIMIT_BRANCH_MESSAGES 1000 /* of the other side of a fork of our own */
#define LIMIT_OWN_CHECKED \
	1000 /* own messages whose chain is checked at each start; the rest behind it */
#define LIMIT_OWN_REPLAYS_PER_MINUTE 120 /* own messages we hold, sent to us again, looked at */

/* Backups and the key. */
#define LIMIT_BACKUPS_KEPT 7
#define LIMIT_BACKUP_PERIOD_MS (24LL * 3600 * 1000)
#define LIMIT_BACKUP_LATE_MS (7LL * 24 * 3600 * 1000) /* then the page says so */
#define LIMIT_BACKUP_MANIFEST_BYTES (1 * MIB)
#define LIMIT_BACKUP_ROOM_BYTES                                                           \
	(500LL * MIB)                 /* stay free when the node makes a backup by itself \
				       */
#define LIMIT_BACKUP_FIRST_MS 300000  /* after the first post was seen */
#define LIMIT_BACKUP_RETRY_MS 3600000 /* after one that failed */
#define LIMIT_CHECK_AFTER_MS \
	10000 /* after a start behind a run that was cut: the database is looked over */
#define LIMIT_BACKUP_WORK_OPS 3            /* argon2id: passes … */
#define LIMIT_BACKUP_WORK_BYTES (64 * MIB) /* … over so much memory: a 512 MB machine has that */
#define LIMIT_BACKUP_WORK_OPS_MAX 16       /* that a file may ask for */
#define LIMIT_BACKUP_WORK_BYTES_MAX (256 * MIB)
#define LIMIT_PASSPHRASE_BYTES_MIN 8
#define LIMIT_PASSPHRASE_BYTES 1024
#define LIMIT_WRAP_MEMORY_KIB_MIN                                       \
	8192 /* of argon2id, for a key that is locked with a passphrase \
	      */
#define LIMIT_WRAP_MEMORY_KIB 65536
#define LIMIT_WRAP_PASSES 16
#define LIMIT_KEY_WORDS 24
#define LIMIT_WORDS_BYTES 1024

/* Options and kith.conf. */
#define LIMIT_CONF_BYTES (64 * KIB)
#define LIMIT_CONF_LINE_BYTES 4096
#define LIMIT_OPTION_BYTES 2048 /* of a value, wherever it is said */
#define LIMIT_CONF_FAULTS 20    /* told in one go; the others are counted */

/* A node that is left on (keeper, api/health). */
#define LIMIT_STOP_MS 5000          /* from SIGTERM on; then the process ends as it is */
#define LIMIT_HANDED_SOCKETS 8      /* that the service manager opened */
#define LIMIT_NOTIFY_MS 1000        /* for the service manager to take a word */
#define LIMIT_ALIVE_MS_MIN 100      /* between two looks whether everything answers */
#define LIMIT_KNOCK_MS 2000         /* for the web port's threads to answer one */
#define LIMIT_SERVING_MS 60000      /* a request that is served so long holds its thread for good */
#define LIMIT_METRICS_DISK_MS 60000 /* between two counts of what the disk is spent on */
#define LIMIT_METRICS_TOKEN_BYTES_MIN 16
#define LIMIT_MEMORY_BYTES (256LL * MIB) /* of --memory-max; above it nothing is made smaller */
#define LIMIT_MEMORY_BYTES_MIN (64LL * MIB)
#define LIMIT_STARTING_MS 250 /* between two words about how far a start has come */

/* Logs. */
#define LIMIT_LOG_VALUE_BYTES 256
#define LIMIT_LOG_LINE_BYTES 2048
#define LIMIT_LOG_LINES_PER_SECOND 100

#endif
