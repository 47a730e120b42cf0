# npm's handshake suite, 45 cases per role and seed, against build/kith.
.PHONY: shs1-test
shs1-test: build/kith
	@tests/interop/shs1/run.sh
