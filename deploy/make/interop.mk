# JavaScript peers from npm against build/kith: `make interop`, `make interop DOSE=full`, and
# `make interop ARGS="--stack modern --only relay"` for a part. The packages stay below build/; nothing native is built.
PEERS := build/interop/node_modules/.package-lock.json
INTEROP := NODE_PATH=$(CURDIR)/build/interop/node_modules DOSE=$(or $(DOSE),ci) node tests/interop/run.js

$(PEERS): tests/interop/package.json tests/interop/package-lock.json
	@mkdir -p build/interop
	@cp $^ build/interop
	cd build/interop && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

interop: build/kith $(PEERS)
	@$(INTEROP) $(ARGS)

# The harness itself: JavaScript peers among themselves.
.PHONY: interop-peers
interop-peers: $(PEERS)
	@$(INTEROP) --subject classic $(ARGS)
	@$(INTEROP) --subject modern $(ARGS)
