# The files of deploy/proxy before a real node, with Debian's nginx and Caddy: `make proxy-test`; `make proxy-test QUICK=quick` in `make test`.
.PHONY: proxy-test
proxy-test: build/kith
	@node tests/proxy/run.js $(QUICK)
