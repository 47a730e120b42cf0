# What Lighthouse says about the page, on a node with posts: `make lighthouse`. Its modules are installed for this alone.

LIGHTHOUSE_MODULES := build/lighthouse/stamp

$(LIGHTHOUSE_MODULES): tests/web/lighthouse/package.json tests/web/lighthouse/package-lock.json
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: lighthouse
lighthouse: build/kith $(WEB_TEST_MODULES) $(LIGHTHOUSE_MODULES)
	@NODE_PATH=$(CURDIR)/build/web-tests/node_modules:$(CURDIR)/build/interop/node_modules node tests/web/lighthouse/run.js
