index.o: server/store/index.c server/store/index.h server/store/feeds.h \
  server/feed/chain.h server/feed/message.h server/feed/id.h \
  server/base/encode.h server/base/buf.h server/base/err.h \
  server/base/span.h server/feed/json.h server/feed/content.h \
  server/store/db.h server/base/env.h server/store/writer.h \
  server/feed/signer.h server/feed/key.h server/store/guard.h \
  server/store/fence.h server/store/store.h server/base/limits.h \
  server/store/ahead_rows.h server/store/ahead.h server/store/reader.h \
  server/store/inside.h server/store/pack.h

server/store/index.h:

server/store/feeds.h:

server/feed/chain.h:

server/feed/message.h:

server/feed/id.h:

server/base/encode.h:

server/base/buf.h:

server/base/err.h:

server/base/span.h:

server/feed/json.h:

server/feed/content.h:

server/store/db.h:

server/base/env.h:

server/store/writer.h:

server/feed/signer.h:

server/feed/key.h:

server/store/guard.h:

server/store/fence.h:

server/store/store.h:

server/base/limits.h:

server/store/ahead_rows.h:

server/store/ahead.h:

server/store/reader.h:

server/store/inside.h:

server/store/pack.h:
