audit_rows.o: server/store/audit_rows.c server/store/audit_inside.h \
  server/base/table.h server/base/env.h server/base/err.h \
  server/base/span.h server/feed/content.h server/feed/message.h \
  server/feed/id.h server/base/encode.h server/base/buf.h \
  server/feed/json.h server/store/audit.h server/store/reader.h \
  server/base/limits.h server/feed/chain.h server/store/store.h \
  server/store/index.h server/store/feeds.h server/store/db.h \
  server/store/writer.h server/feed/signer.h server/feed/key.h \
  server/store/guard.h server/store/fence.h server/store/reader_inside.h \
  server/store/inside.h

server/store/audit_inside.h:

server/base/table.h:

server/base/env.h:

server/base/err.h:

server/base/span.h:

server/feed/content.h:

server/feed/message.h:

server/feed/id.h:

server/base/encode.h:

server/base/buf.h:

server/feed/json.h:

server/store/audit.h:

server/store/reader.h:

server/base/limits.h:

server/feed/chain.h:

server/store/store.h:

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
