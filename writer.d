writer.o: server/store/writer.c server/store/writer_inside.h \
  server/base/inbox.h server/base/err.h server/base/limits.h \
  server/store/fence.h server/base/buf.h server/base/span.h \
  server/base/env.h server/feed/id.h server/base/encode.h \
  server/store/index.h server/store/feeds.h server/feed/chain.h \
  server/feed/message.h server/feed/json.h server/feed/content.h \
  server/store/db.h server/store/writer.h server/feed/signer.h \
  server/feed/key.h server/store/guard.h server/store/store.h \
  server/store/inside.h server/base/log.h server/feed/window.h

server/store/writer_inside.h:

server/base/inbox.h:

server/base/err.h:

server/base/limits.h:

server/store/fence.h:

server/base/buf.h:

server/base/span.h:

server/base/env.h:

server/feed/id.h:

server/base/encode.h:

server/store/index.h:

server/store/feeds.h:

server/feed/chain.h:

server/feed/message.h:

server/feed/json.h:

server/feed/content.h:

server/store/db.h:

server/store/writer.h:

server/feed/signer.h:

server/feed/key.h:

server/store/guard.h:

server/store/store.h:

server/store/inside.h:

server/base/log.h:

server/feed/window.h:
