repair.o: server/store/repair.c server/store/repair.h \
  server/store/audit.h server/store/reader.h server/base/limits.h \
  server/feed/chain.h server/feed/message.h server/feed/id.h \
  server/base/encode.h server/base/buf.h server/base/err.h \
  server/base/span.h server/feed/json.h server/store/store.h \
  server/base/env.h server/store/audit_inside.h server/base/table.h \
  server/feed/content.h server/store/index.h server/store/feeds.h \
  server/store/db.h server/store/writer.h server/feed/signer.h \
  server/feed/key.h server/store/guard.h server/store/fence.h \
  server/store/reader_inside.h server/store/inside.h server/store/keys.h \
  server/store/pack.h

server/store/repair.h:

server/store/audit.h:

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

server/store/audit_inside.h:

server/base/table.h:

server/feed/content.h:

server/store/index.h:

server/store/feeds.h:

server/store/db.h:

server/store/writer.h:

server/feed/signer.h:

server/feed/key.h:

server/store/guard.h:

server/store/fence.h:

server/store/reader_inside.h:

server/store/inside.h:

server/store/keys.h:

server/store/pack.h:
