writer_ahead.o: server/store/writer_ahead.c server/store/ahead_rows.h \
  server/store/ahead.h server/store/reader.h server/base/limits.h \
  server/feed/chain.h server/feed/message.h server/feed/id.h \
  server/base/encode.h server/base/buf.h server/base/err.h \
  server/base/span.h server/feed/json.h server/store/store.h \
  server/base/env.h server/store/feeds.h server/feed/content.h \
  server/store/db.h server/store/writer_inside.h server/base/inbox.h \
  server/store/fence.h server/store/index.h server/store/writer.h \
  server/feed/signer.h server/feed/key.h server/store/guard.h \
  server/store/inside.h server/feed/window.h

server/store/ahead_rows.h:

server/store/ahead.h:

server/store/reader.h:

server/base/limits.h:

server/feed/chain.h:

server/feed/message.h:

server/feed/id.h:

server/base/encode.h:

server/base/buf.h:

server/base/err.h:

server/base/span.h:

server/feed/json.h:

server/store/store.h:

server/base/env.h:

server/store/feeds.h:

server/feed/content.h:

server/store/db.h:

server/store/writer_inside.h:

server/base/inbox.h:

server/store/fence.h:

server/store/index.h:

server/store/writer.h:

server/feed/signer.h:

server/feed/key.h:

server/store/guard.h:

server/store/inside.h:

server/feed/window.h:
