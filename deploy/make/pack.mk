# The test of store/pack packs what the benchmark's network says.
$(BUILD)/tests/store/test_pack: $(BUILD)/tests/bench/corpus.o
