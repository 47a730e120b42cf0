feeds.o: server/store/feeds.c server/store/feeds.h server/feed/chain.h \
  server/feed/message.h server/feed/id.h server/base/encode.h \
  server/base/buf.h server/base/err.h server/base/span.h \
  server/feed/json.h server/feed/content.h server/store/db.h \
  server/base/env.h server/base/table.h server/store/inside.h \
  server/store/store.h

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

server/base/table.h:

server/store/inside.h:

server/store/store.h:
