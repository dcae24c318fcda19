# The front door: what a person or a machine types. Meson does the work.
# Override with e.g. `make BUILD=build-clang CC=clang`.

BUILD ?= build
SANITIZED = $(BUILD)-sanitized
# A busy machine is slow, not wrong: a test's limit only ends what hangs.
# Most tests wait most of the time, so three times as many as there are CPUs run at once.
TEST = meson test --print-errorlogs --timeout-multiplier 4 --num-processes $$(($$(nproc) * 3))
NAME ?=

.PHONY: all check check-all demo bench deb dist lint help clean format
.PHONY: deps-build deps-check deps-demo deps-packages deps-all
.NOTPARALLEL: # meson and ninja use all CPUs by themselves

all: deps-build $(BUILD)/build.ninja
	ninja -C $(BUILD)

# What is missing for that, see deploy/install-deps --help.
deps-build deps-check deps-demo deps-packages deps-all:
	deploy/install-deps $(@:deps-%=%)

$(BUILD)/build.ninja: | deps-build
	meson setup $(SETUP) $(BUILD)

$(SANITIZED)/build.ninja: | deps-build
	meson setup $(SETUP) -Db_sanitize=address,undefined -Db_lundef=false $(SANITIZED)

# A build leaves out tests whose libraries are missing; who runs them wants all of them.
check check-all bench: SETUP = -Dtests=enabled
enable_tests = meson introspect --buildoptions $(1) | \
	jq -e 'any(.[]; .name == "tests" and .value == "enabled")' >/dev/null || \
	meson configure $(1) -Dtests=enabled

## check: the fast suite, plain and under ASan and UBSan, and one run with a real guest
check: deps-check $(BUILD)/build.ninja $(SANITIZED)/build.ninja
	@$(call enable_tests,$(BUILD))
	@$(call enable_tests,$(SANITIZED))
	ninja -C $(BUILD)
	ninja -C $(SANITIZED)
	$(TEST) -C $(BUILD) --suite fast
	ASAN_OPTIONS=detect_stack_use_after_return=1 $(TEST) -C $(SANITIZED) --suite fast
	$(TEST) -C $(BUILD) --suite lab

## check-all: check, lint and everything slow
check-all: deps-all check lint
	$(TEST) -C $(BUILD) --suite slow

## demo: two guests, three stories, measured on the host
demo: deps-demo $(BUILD)/build.ninja
	ninja -C $(BUILD) demo-programs
	deploy/demo/run $(BUILD)

## bench: all benchmarks, or NAME=x
bench: deps-all $(BUILD)/build.ninja
	@$(call enable_tests,$(BUILD))
	ninja -C $(BUILD)
	tests/bench/run $(BUILD) $(NAME)

## deb: Debian packages, and the static agent, into $(BUILD)/packages
deb: deps-packages
	deploy/packages/build $(BUILD)

## dist: this commit as a tarball, into $(BUILD)/dist
dist:
	@deploy/packages/dist $(BUILD)

lint: deps-all all
	deploy/lint/run $(BUILD)

format: deps-all
	clang-format -i $$(git ls-files '*.c' '*.h')

help:
	@echo 'make            build into $(BUILD)/ (installs what is missing first)'
	@echo 'make check      fast tests, also under ASan and UBSan, and one lab run'
	@echo 'make check-all  check, lint and the slow tests'
	@echo 'make demo       two guests give memory back to a host; ends with a table and figures'
	@echo 'make bench      the benchmarks; one of them with NAME=x'
	@echo 'make deb        Debian packages and the static agent, into $(BUILD)/packages'
	@echo 'make dist       this commit as a tarball that needs no git, into $(BUILD)/dist'
	@echo 'make lint       format, static analysis, spelling, include direction'
	@echo 'make format     clang-format on every file'

clean:
	rm -rf $(BUILD) $(SANITIZED)
