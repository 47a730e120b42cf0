# The page: web/ and its pinned third-party modules become build/web, which the program embeds (deploy/make/embed.mk), and
# build/web-plain, which tests in Node import. Nothing is written below web/.

WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*')

build/web-modules/stamp: web/package.json web/package-lock.json
	@mkdir -p $(@D)
	@cp web/package.json web/package-lock.json $(@D)
	@cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

build/web.stamp: $(WEB_SOURCES) deploy/make/web-build.mjs build/web-modules/stamp
	@node deploy/make/web-build.mjs web build/web-modules/node_modules build/web build/web-plain
	@touch $@

.PHONY: web
web: build/web.stamp
