# `make box2-vectors`: the official vectors of box2, read from their npm packages (tests/box2; their licence lets tests use them).
.PHONY: box2-vectors
box2-vectors: $(BUILD)/tests/box2/official build/box2/node_modules/.done
	@$< build/box2
build/box2/node_modules/.done: tests/box2/package-lock.json
	@mkdir -p build/box2 && cp tests/box2/package.json tests/box2/package-lock.json build/box2/
	@cd build/box2 && npm ci --ignore-scripts --no-audit --no-fund --silent && touch node_modules/.done
