# `make bench-boxes`: what 100,000 private messages of others cost (tests/bench/boxes.c). BOXES=10000 is a taste.
BOXES ?= 100000
.PHONY: bench-boxes
bench-boxes: $(BUILD)/tests/bench/boxes
	@$(BUILD)/tests/bench/boxes $(BOXES)
bench: $(if $(PARTS),,bench-boxes)
