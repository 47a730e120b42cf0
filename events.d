events.o: server/api/events.c server/api/events.h server/base/buf.h \
  server/base/err.h server/base/span.h server/store/writer.h \
  server/feed/content.h server/feed/message.h server/feed/id.h \
  server/base/encode.h server/feed/json.h server/feed/signer.h \
  server/feed/chain.h server/feed/key.h server/store/guard.h \
  server/store/fence.h server/base/env.h server/store/store.h \
  server/api/body.h

server/api/events.h:

server/base/buf.h:

server/base/err.h:

server/base/span.h:

server/store/writer.h:

server/feed/content.h:

server/feed/message.h:

server/feed/id.h:

server/base/encode.h:

server/feed/json.h:

server/feed/signer.h:

server/feed/chain.h:

server/feed/key.h:

server/store/guard.h:

server/store/fence.h:

server/base/env.h:

server/store/store.h:

server/api/body.h:
