# Every target works on a clean Linux machine with npm; what else is needed, `make up` installs or names.
NODE := node_modules/.bin/node
INSTALLED := node_modules/.package-lock.json
MATRX := $(NODE) src/main.ts

.DEFAULT_GOAL := help
.PHONY: help up down env test check unit simulate e2e fuzz bench bench-exec build generate format

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): package-lock.json package.json
	@# Not npm ci: it refuses a lockfile without the packages of other platforms, which not every registry serves.
	npm install --no-save --no-audit --no-fund
	@touch $@

up: $(INSTALLED) ## a cluster, an S3 server, the product and a first sandbox, on this machine
	@$(MATRX) up

down: $(INSTALLED) ## stop and remove what `make up` started
	@$(MATRX) down

env: $(INSTALLED) ## export lines for a shell: eval "$$(make -s env)"
	@$(MATRX) env

test: $(INSTALLED) ## everything: format, lint, types, unit, end to end on a real kubelet
	@$(NODE) test/run.ts

check: $(INSTALLED) ## format, lint, types and unit tests: no cluster
	@$(NODE) test/run.ts --without-cluster

unit: $(INSTALLED) ## the unit tests; ARGS=test/workspace picks some
	@npm run -s test:unit -- $(if $(ARGS),--testPathPatterns $(ARGS))

simulate: $(INSTALLED) ## RUNS=2000 seeded histories of the controllers on a model, in virtual time; MATRX_SEED=7 replays one
	@MATRX_SIMULATIONS=$(or $(RUNS),2000) npm run -s test:unit -- --testPathPatterns test/controller/simulation

e2e: $(INSTALLED) ## the end-to-end tests against the running `make up`; ARGS picks some
	@eval "$$($(MATRX) env)" && npm run -s test:e2e -- $(if $(ARGS),--testPathPatterns $(ARGS))

fuzz: $(INSTALLED) ## schemathesis against the REST API on a played cluster, for MINUTES=10
	@$(NODE) test/fuzz/run.ts $(ARGS)

bench: $(INSTALLED) ## the benchmarks, against the running `make up`
	@eval "$$($(MATRX) env)" && $(NODE) test/bench/run.ts $(ARGS)

bench-exec: $(INSTALLED) ## commands, output and files next to pods/exec and kubectl; a part of `make bench`
	@eval "$$($(MATRX) env)" && $(NODE) test/bench/run.ts exec $(ARGS)

build: $(INSTALLED) ## dist/main.js, the bundle of the product image
	@$(NODE) build.ts

generate: $(INSTALLED) ## what programs write: crds, docs/openapi.json, docs/acceptance.md
	@npm run -s generate

format: $(INSTALLED) ## rewrite the sources in the house format
	@npm run -s format
