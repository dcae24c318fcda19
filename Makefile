# The front door: what a person or a machine types. Meson does the work.
# Override with e.g. `make BUILD=build-clang CC=clang`.

BUILD ?= build
SANITIZED = $(BUILD)-sanitized
NAME ?=

.PHONY: all check check-all demo bench lint help deps clean format

all: deps $(BUILD)/build.ninja
	ninja -C $(BUILD)

deps:
	deploy/install-deps

$(BUILD)/build.ninja: | deps
	meson setup $(BUILD)

$(SANITIZED)/build.ninja: | deps
	meson setup -Db_sanitize=address,undefined -Db_lundef=false $(SANITIZED)

## check: the fast suite, plain and under ASan and UBSan, and one lab run
check: all $(SANITIZED)/build.ninja
	ninja -C $(SANITIZED)
	meson test -C $(BUILD) --print-errorlogs --suite fast
	meson test -C $(SANITIZED) --print-errorlogs --suite fast
	meson test -C $(BUILD) --print-errorlogs --suite lab

## check-all: check, lint and everything slow
check-all: check lint
	meson test -C $(BUILD) --print-errorlogs --suite slow

## demo: two guests, three stories, measured on the host
demo: all
	deploy/demo/run $(BUILD)

## bench: all benchmarks, or NAME=x
bench: all
	tests/bench/run $(BUILD) $(NAME)

lint: all
	deploy/lint/run $(BUILD)

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

help:
	@echo 'make            build into $(BUILD)/ (installs what is missing first)'
	@echo 'make check      fast tests, also under ASan and UBSan, and one lab run'
	@echo 'make check-all  check, lint and the slow tests'
	@echo 'make demo       two guests give memory back to a host; ends with a table and figures'
	@echo 'make bench      the benchmarks; one of them with NAME=x'
	@echo 'make lint       format, static analysis, spelling, include direction'
	@echo 'make format     clang-format on every file'

clean:
	rm -rf $(BUILD) $(SANITIZED)
