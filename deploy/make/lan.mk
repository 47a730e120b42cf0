# Nodes that find each other in a local network of namespaces (root; Debian's iproute2): `make lan-test`.
.PHONY: lan-test
lan-test: build/kith $(PEERS)
	@NODE_PATH=$(CURDIR)/build/interop/node_modules node tests/interop/lan/run.js
