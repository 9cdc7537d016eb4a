# What a person types; CMake does the building. `make build` leaves the program at build/couchdb-channels.
#
#   make manager    what starts the daemon on CouchDB 2.3 and later, at build/os_daemons
#   make deb        the Debian packages, at build/couchdb-channels_*.deb and build/couchdb-channels-dev_*.deb
#   make doc        the headers for handlers in C++, as pages at build/doc/html
#   make demo       a device through the whole loop, on a server and mail server of its own
#   make photos     the example app: browser windows as the devices of two people
#   make test       everything: C++ (also under sanitizers), design documents, protocol, end to end
#   make test-all   the same with the sanitized program in the end to end tests, too
#   make simulate SEEDS=N   the engine on virtual time, with faults by seed; prints the seeds that fail
#   make chaos      500 devices on real processes, while daemons and server are killed and paused: some 10 minutes
#   make lint       clang-tidy's findings fail it
#   make bench      speeds, each against the bare server in the same run
#   make clean

JOBS ?= $(shell nproc)
SANITIZED_TARGETS = unit_tests

.PHONY: demo photos build manager deb doc test test-builds test-tree test-all simulate chaos lint bench clean

build: build/.dependencies
	cmake -S . -B build -DCHANNELS_TESTS=OFF
	cmake --build build -j $(JOBS) --target couchdb-channels

manager: build/.erlang-dependencies
	$(MAKE) -C packaging/os_daemons OUT=$(CURDIR)/build/os_daemons

deb: build/.package-dependencies
	JOBS=$(JOBS) scripts/build_deb.sh

doc: build/.doc-dependencies
	mkdir -p build/doc
	doxygen docs/Doxyfile

demo: build tests/node_modules/.package-lock.json
	node demo/demo.mjs

photos: build tests/node_modules/.package-lock.json
	node examples/photos/start.mjs

test: build/.test-dependencies tests/node_modules/.package-lock.json
	$(MAKE) -j 2 test-builds test-tree
	node tests/run.mjs --build build --sanitized build-address --sanitized build-thread

# Not by themselves: parts of `make test`. The tree is loaded and unpacked while others compile;
# whoever compiles has a -j of his own, and no part in this one.
test-builds: BUILD = env -u MAKEFLAGS -u MFLAGS cmake --build
test-builds:
	cmake -S . -B build -DCHANNELS_TESTS=ON -DCHANNELS_UNITY=ON
	$(BUILD) build -j $(JOBS)
	cmake -S . -B build-address -DCHANNELS_SANITIZE=address -DCHANNELS_UNITY=ON -DCMAKE_BUILD_TYPE=Debug
	$(BUILD) build-address -j $(JOBS) --target $(SANITIZED_TARGETS)
	cmake -S . -B build-thread -DCHANNELS_SANITIZE=thread -DCHANNELS_UNITY=ON -DCMAKE_BUILD_TYPE=Debug
	$(BUILD) build-thread -j $(JOBS) --target $(SANITIZED_TARGETS)

test-tree:
	[ $$(id -u) -ne 0 ] || scripts/debian_tree.sh build/debian-tree

test-all: test
	cmake --build build-address -j $(JOBS)
	cmake --build build-thread -j $(JOBS)
	node tests/run.mjs --build build-address
	node tests/run.mjs --build build-thread

SEEDS ?= 1000
simulate: build/.test-dependencies
	cmake -S . -B build -DCHANNELS_TESTS=ON
	cmake --build build -j $(JOBS) --target simulate
	build/simulate --seeds $(SEEDS)

chaos: build tests/node_modules/.package-lock.json
	node --test tests/chaos/short.mjs
	node tests/chaos/main.mjs

lint: build/.lint-dependencies
	scripts/lint.sh

bench: build tests/node_modules/.package-lock.json
	cmake --build build -j $(JOBS) --target bench
	node bench/main.mjs

clean:
	rm -rf build build-address build-thread build-lint tests/node_modules

build/.dependencies: scripts/dependencies.sh
	scripts/dependencies.sh build
	@mkdir -p build && touch $@

build/.erlang-dependencies: scripts/dependencies.sh
	scripts/dependencies.sh erlang
	@mkdir -p build && touch $@

build/.package-dependencies: scripts/dependencies.sh
	scripts/dependencies.sh package
	@mkdir -p build && touch $@

build/.doc-dependencies: scripts/dependencies.sh
	scripts/dependencies.sh doc
	@mkdir -p build && touch $@

build/.test-dependencies: scripts/dependencies.sh
	scripts/dependencies.sh build test node
	@mkdir -p build && touch $@

build/.lint-dependencies: scripts/dependencies.sh
	scripts/dependencies.sh build lint
	@mkdir -p build && touch $@

tests/node_modules/.package-lock.json: tests/package-lock.json
	scripts/dependencies.sh node
	cd tests && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@
