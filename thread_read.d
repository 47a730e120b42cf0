thread_read.o: server/store/thread_read.c server/store/post.h \
  server/store/reader_inside.h server/store/inside.h server/store/db.h \
  server/base/env.h server/base/err.h server/base/span.h \
  server/feed/id.h server/base/encode.h server/base/buf.h \
  server/store/store.h server/store/reader.h server/base/limits.h \
  server/feed/chain.h server/feed/message.h server/feed/json.h \
  server/store/timeline.h server/feed/content.h server/store/thread.h \
  server/store/keys.h

server/store/post.h:

server/store/reader_inside.h:

server/store/inside.h:

server/store/db.h:

server/base/env.h:

server/base/err.h:

server/base/span.h:

server/feed/id.h:

server/base/encode.h:

server/base/buf.h:

server/store/store.h:

server/store/reader.h:

server/base/limits.h:

server/feed/chain.h:

server/feed/message.h:

server/feed/json.h:

server/store/timeline.h:

server/feed/content.h:

server/store/thread.h:

server/store/keys.h:
