writer_append.o: server/store/writer_append.c server/store/keys.h \
  server/store/db.h server/base/env.h server/base/err.h \
  server/base/span.h server/feed/id.h server/base/encode.h \
  server/base/buf.h server/store/pack.h server/store/writer_inside.h \
  server/base/inbox.h server/base/limits.h server/store/fence.h \
  server/store/index.h server/store/feeds.h server/feed/chain.h \
  server/feed/message.h server/feed/json.h server/feed/content.h \
  server/store/writer.h server/feed/signer.h server/feed/key.h \
  server/store/guard.h server/store/store.h server/store/inside.h

server/store/keys.h:

server/store/db.h:

server/base/env.h:

server/base/err.h:

server/base/span.h:

server/feed/id.h:

server/base/encode.h:

server/base/buf.h:

server/store/pack.h:

server/store/writer_inside.h:

server/base/inbox.h:

server/base/limits.h:

server/store/fence.h:

server/store/index.h:

server/store/feeds.h:

server/feed/chain.h:

server/feed/message.h:

server/feed/json.h:

server/feed/content.h:

server/store/writer.h:

server/feed/signer.h:

server/feed/key.h:

server/store/guard.h:

server/store/store.h:

server/store/inside.h:
