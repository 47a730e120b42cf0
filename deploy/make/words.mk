# The words of a key on paper: BIP-39's English list out of the pinned package that web.mk installs, as C (feed/words).

build/embedded/words.c: deploy/make/words.mjs build/web-modules/stamp
	@mkdir -p $(@D)
	$(Q)node $< build/web-modules/node_modules/@scure/bip39/wordlists/english.js > $@
