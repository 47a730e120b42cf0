# The page in a real browser, between real nodes: `make web-test`, and `make web-test T=keyboard` for one journey. `make web-lint` checks its types.

WEB_TEST_MODULES := build/web-tests/stamp

$(WEB_TEST_MODULES): tests/web/package.json tests/web/package-lock.json
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: web-lint
web-lint: build/web.stamp $(WEB_TEST_MODULES)
	@node build/web-tests/node_modules/typescript/bin/tsc -p tests/web/tsconfig.json
	@echo 'web: types are good'

# Node 18 takes the page's modules for modules only when a package says so.
web-test: build/kith $(WEB_TEST_MODULES) $(PEERS)
	@echo '{"type":"module"}' > build/package.json
	@NODE_PATH=$(CURDIR)/build/web-tests/node_modules:$(CURDIR)/build/interop/node_modules node tests/web/run.js $(T)
