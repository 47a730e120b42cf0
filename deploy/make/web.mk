# The page: web/ and its pinned third-party modules become build/web, which the program embeds (deploy/make/embed.mk). Nothing is written below web/.

WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*')

build/web-modules/stamp: web/package.json web/package-lock.json
	@mkdir -p $(@D)
	@cp web/package.json web/package-lock.json $(@D)
	@cd $(@D) && npm ci --ignore-scripts --omit=dev --no-audit --no-fund --loglevel=error
	@touch $@

build/web.stamp: $(WEB_SOURCES) deploy/make/web-vendor.mjs build/web-modules/stamp
	@node deploy/make/web-vendor.mjs web build/web-modules/node_modules build/web
	@touch $@

.PHONY: web
web: build/web.stamp
