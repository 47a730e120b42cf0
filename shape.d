shape.o: server/api/shape.c server/api/shape.h server/api/inside.h \
  server/api/api.h server/base/buf.h server/base/err.h \
  server/base/span.h server/store/writer.h server/feed/content.h \
  server/feed/message.h server/feed/id.h server/base/encode.h \
  server/feed/json.h server/feed/signer.h server/feed/chain.h \
  server/feed/key.h server/store/guard.h server/store/fence.h \
  server/base/env.h server/store/store.h server/sync/sync.h \
  server/net/loop.h server/store/people.h server/store/reader.h \
  server/base/limits.h server/wire/address.h server/api/events.h \
  server/api/live.h server/api/http.h server/api/answer.h \
  server/api/bind.h server/api/gate.h server/api/session.h \
  server/api/serve.h server/api/route.h server/store/timeline.h \
  server/api/body.h server/store/safety.h

server/api/shape.h:

server/api/inside.h:

server/api/api.h:

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

server/sync/sync.h:

server/net/loop.h:

server/store/people.h:

server/store/reader.h:

server/base/limits.h:

server/wire/address.h:

server/api/events.h:

server/api/live.h:

server/api/http.h:

server/api/answer.h:

server/api/bind.h:

server/api/gate.h:

server/api/session.h:

server/api/serve.h:

server/api/route.h:

server/store/timeline.h:

server/api/body.h:

server/store/safety.h:
