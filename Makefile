# Every target works on a clean Linux machine with npm; what else is needed, `make up` installs or names.
NODE := node_modules/.bin/node
INSTALLED := node_modules/.package-lock.json
MATRX := $(NODE) src/main.ts

.DEFAULT_GOAL := help
.PHONY: help up down env test check unit simulate e2e fuzz bench bench-exec bench-cold bench-control soak build generate format
.PHONY: terraform images sbom scan-images push-images roll-out release-files sign publish

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

check: $(INSTALLED) ## format, lint, types and unit tests with line coverage: no cluster
	@$(NODE) test/run.ts --without-cluster

unit: $(INSTALLED) ## the unit tests; ARGS=test/workspace picks some
	@npm run -s test:unit -- --maxWorkers=$$((2 * $$(nproc))) $(if $(ARGS),--testPathPatterns $(ARGS))

simulate: $(INSTALLED) ## RUNS=2000 seeded histories of controllers, facades and node drivers on a model, in virtual time; MATRX_SEED=7 replays one
	@MATRX_SIMULATIONS=$(or $(RUNS),2000) npm run -s test:unit -- --maxWorkers=2 --testPathPatterns test/simulation/simulation

e2e: $(INSTALLED) ## the end-to-end tests against the running `make up`; ARGS picks some
	@eval "$$($(MATRX) env)" && npm run -s test:e2e -- $(if $(ARGS),--testPathPatterns $(ARGS))

fuzz: $(INSTALLED) ## schemathesis against the REST API on a played cluster, for MINUTES=10
	@$(NODE) test/fuzz/run.ts $(ARGS)

bench: $(INSTALLED) ## the benchmarks, against the running `make up`
	@eval "$$($(MATRX) env)" && $(NODE) test/bench/run.ts $(ARGS)

bench-exec: $(INSTALLED) ## commands, output and files next to pods/exec and kubectl; a part of `make bench`
	@eval "$$($(MATRX) env)" && $(NODE) test/bench/run.ts exec $(ARGS)

bench-cold: $(INSTALLED) ## cold storage next to a mount by hand and to the disk, and what it adds to a start; a part of `make bench`
	@eval "$$($(MATRX) env)" && $(NODE) test/bench/run.ts cold-files cold-start $(ARGS)

bench-control: $(INSTALLED) ## what the controller adds to a pod's start, on a control plane of its own with nodes of kwok's; needs root
	@$(NODE) test/bench/control/run.ts $(ARGS)

soak: $(INSTALLED) ## 1,000 sandboxes at rest there for MINUTES=10: the controller's writes, memory, sockets, relists
	@$(NODE) test/bench/control/run.ts --soak-minutes $(or $(MINUTES),10) $(ARGS)

build: $(INSTALLED) ## dist/main.js, the bundle of the product image
	@$(NODE) build.ts

generate: $(INSTALLED) ## what programs write: crds, docs/crds.md, docs/life.md, docs/openapi.json, docs/acceptance.md
	@npm run -s generate

format: $(INSTALLED) ## rewrite the sources in the house format
	@npm run -s format

terraform: ## format, validation and tests of terraform/, which needs Terraform and its registry
	cd terraform && terraform fmt -check -recursive && terraform init -backend=false && terraform validate && terraform test

images: $(INSTALLED) ## both images by the Docker Engine; their names are in release/images.json
	@$(NODE) scripts/build-images.ts

sbom: $(INSTALLED) ## what is in those images: release/*.spdx.json
	@$(NODE) scripts/inspect-images.ts sbom

scan-images: $(INSTALLED) ## what of that is known to be vulnerable
	@$(NODE) scripts/inspect-images.ts scan

push-images: $(INSTALLED) ## both images to PRODUCT_REPOSITORY and SANDBOX_REPOSITORY under TAG
	@$(NODE) scripts/push-images.ts

roll-out: $(INSTALLED) ## TAG on the host INSTANCE_ID, by Systems Manager; back again if it is not healthy
	@$(NODE) scripts/roll-out.ts

release-files: $(INSTALLED) ## install.yaml, checksums and notes of TAG in release/
	@$(NODE) scripts/release-files.ts

sign: $(INSTALLED) ## signs the pushed images and the checksums, without a key
	@$(NODE) scripts/sign.ts

publish: $(INSTALLED) ## the GitHub release of TAG
	@$(NODE) scripts/publish.ts
