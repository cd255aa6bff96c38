# souk: `make up`, buy something, `make test`. `make help` lists everything.
SHELL := /bin/bash
INFRA ?=
REPLICAS ?=
SCENARIO ?= smoke
TOOLS := $(CURDIR)/bin/tools
PACKAGES := ./... ./pkg/...
# Those whose tests reach for an engine: another one changes nothing for the rest.
NATIVE_PACKAGES = ./e2e $$(go list -test -f '{{.ForTest}} {{.Deps}}' ./pkg/... ./services/... ./internal/... | awk '/^souk.*(databasetest|redistest|bustest|internal\/native)[] ]/ {print $$1}' | grep -v mutants | sort -u)
REDIS_LAYER := $(patsubst %,./pkg/%/...,redisclient cache redlock pubsub registry idgen ratelimit)
GOTESTFLAGS ?= -shuffle=on -timeout=25m
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help
.PHONY: help build up down status smoke demo-failures images render check-deploy check-cluster infra-install infra-up infra-down seed audit test test-mutants test-batch test-failpoints test-native test-restore test-race test-races chaos chaos-quick soak loadtest bench-gate bench-peers check-peers show-redis lint generate check-generated fmt clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/souk, which holds the CLI and every service
	@[ -x bin/souk ] || echo 'building bin/souk: the first time takes a minute or two'
	go build -ldflags "-X main.revision=$$(git rev-parse HEAD 2>/dev/null)" -o bin/souk ./cmd/souk

up: build ## start souk: engines, services, demo data (INFRA=embedded, native or docker, REPLICAS=n)
	bin/souk up $(if $(INFRA),--infra $(INFRA)) $(if $(REPLICAS),--replicas $(REPLICAS))

down: build ## stop souk; data stays (bin/souk down --wipe removes it)
	bin/souk down

status: build ## show what runs, where, and how much memory it takes
	bin/souk status

smoke: build ## buy one order to COMPLETED and print its timeline
	bin/souk smoke

demo-failures: build ## tour what goes wrong with cards: declined, cancelled too late, reply lost, late success
	bin/souk demo failures

images: export REVISION ?= $(shell git rev-parse HEAD)
images: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
images: ## build the image for amd64 and arm64, with SBOM and provenance (VERSION=tag, IMAGE=name, PUSH=true)
	docker buildx bake -f deploy/docker/bake.hcl

infra-install: ## install Redis, MariaDB, Java and Kafka (Debian: apt and Maven Central)
	deploy/native/install.sh

infra-up: build ## start Redis, Kafka and MariaDB alone, on private ports
	bin/souk infra up

infra-down: build ## stop Redis, Kafka and MariaDB; data stays
	bin/souk infra down

seed: build ## put the demo data in place again
	bin/souk seed

audit: build ## prove that nothing was oversold, lost or double-charged
	bin/souk audit

test: ## run every test; needs nothing but Go
	go test $(GOTESTFLAGS) $(PACKAGES)

test-mutants: ## plant the classic mistakes alone, on the engines that `souk infra env` names if it was evaluated
	go test $(GOTESTFLAGS) -count=1 -v ./internal/mutants

test-batch: ## run the flow's suites with batches of one
	SOUK_BATCH_MAX=1 go test $(GOTESTFLAGS) ./services/... ./pkg/inbox ./pkg/outbox ./pkg/groupcommit

test-failpoints: ## kill payment and the provider at every state of a charge and of a refund
	go test -tags failpoints $(GOTESTFLAGS) ./pkg/failpoint ./services/payment/internal/consumer ./sandbox/psp

test-native: export SOUK_HOME ?= $(CURDIR)/.souk-test
test-native: export SOUK_PORT_BASE ?= 19080
test-native: infra-up ## run the suites that need engines, and e2e, on Redis, Kafka and MariaDB
	env="$$(bin/souk infra env)" && eval "$$env" && SOUK_E2E_INFRA=native go test $(GOTESTFLAGS) -count=1 -p 1 $(NATIVE_PACKAGES)

test-restore: ## back up under load, lose everything, restore, and audit, on native engines
	SOUK_E2E_INFRA=native SOUK_E2E_RESTORE=1 go test -count=1 -v -timeout 10m -run TestABackupIsRestored ./e2e

test-races: ## cancel 10,000 orders while their money is taken, and audit
	SOUK_E2E_RACES=5000 go test $(GOTESTFLAGS) -count=1 -v -run TestCancelAgainstCapture ./e2e

chaos: ## inflict every fault on native engines under load, and audit after each (SEEDS=n)
	for seed in $$(seq 1 $(or $(SEEDS),1)); do \
		SOUK_E2E_INFRA=native SOUK_CHAOS=full SOUK_CHAOS_SEED=$$seed go test -count=1 -v -timeout 90m -run 'TestChaos|TestKafkaLoses|TestKilledAtEach|TestMariaDBsDisk' ./e2e || exit 1; \
	done

chaos-quick: ## the same, each fault briefly (ROWS=regexp: only these, and the failpoints)
	SOUK_E2E_INFRA=native SOUK_CHAOS=quick go test -count=1 -v -timeout 15m -run 'TestChaos$(if $(ROWS),/($(ROWS)))|TestKilledAtEach$(if $(ROWS),,|TestKafkaLoses|TestMariaDBsDisk)' ./e2e

soak: ## sell for half an hour while engines misbehave, audit, and watch the memory (FOR=duration)
	SOUK_E2E_INFRA=native SOUK_SOAK=$(or $(FOR),30m) go test -count=1 -v -timeout 12h -run TestSoak ./e2e

test-race: ## run the tests under the race detector, but those that start other programs or only compute; needs a C compiler
	CGO_ENABLED=1 go test -race $(GOTESTFLAGS) $$(go list $(PACKAGES) | grep -vE '/(e2e|mutants|arch|native|limits|plan)$$')

loadtest: build $(TOOLS)/k6 ## run a k6 scenario against the souk that is up, then audit (SCENARIO=smoke|browse|checkout|flash-sale|spike|soak|breakpoint, RATE, DURATION)
	loadtest/run.sh $(SCENARIO)

bench-gate: ## fail when an order costs too many times what its engines' operations do, on native engines
	SOUK_E2E_INFRA=native SOUK_BENCH_GATE=1 go test -count=1 -v -timeout 10m -run TestBenchGate ./e2e

bench-peers: ## compare the Redis layer with other libraries, in behaviour and in figures (ARGS="--only cache"; ARGS=--help)
	cd bench/peers && GOWORK=off go run . $(ARGS)

check-peers: ## vet and test the comparison, a module that the workspace's targets leave out; no Redis needed
	cd bench/peers && GOWORK=off go vet ./... && GOWORK=off go test -timeout=1m ./...

show-redis: export SOUK_TEST_REDIS_SERVER ?= redis-server
show-redis: export SOUK_TEST_CACHE_OPS ?= 1000000
show-redis: export SOUK_TEST_LOCK_ACQUISITIONS ?= 10000
show-redis: export SOUK_TEST_IDS ?= 100000000
show-redis: export SOUK_TEST_KILLS ?= 50
show-redis: export SOUK_TEST_FIGURES ?= 1
show-redis: ## run the Redis layer's suites in their big sizes on a real Redis, and print what they count, at the end once more
	@mkdir -p bin; set -o pipefail; { go test $(REDIS_LAYER) -v -count=1 -p 1 -shuffle=on -timeout=60m && \
		go test ./pkg/cache -run='^$$' -bench=PublishToEvict; } | tee bin/show-redis.txt
	@printf '\n== figures\n'; grep -E '^(ok|Benchmark.*/op)|_test\.go:[0-9]+: .*[0-9]' bin/show-redis.txt

lint: $(TOOLS)/golangci-lint ## check style and the direction of imports
	$(TOOLS)/golangci-lint run $(PACKAGES)

generate: $(TOOLS)/buf ## regenerate the protobuf code
	$(TOOLS)/buf lint && $(TOOLS)/buf generate

check-generated: generate ## fail when generated code is not what is committed
	git diff --exit-code -- '*.pb.go'

$(TOOLS)/buf: tools/proto/go.mod
	cd tools/proto && GOWORK=off GOBIN=$(TOOLS) go install tool

$(TOOLS)/golangci-lint: tools/lint/go.mod
	cd tools/lint && GOWORK=off GOBIN=$(TOOLS) go install tool

render: $(TOOLS)/kustomize ## render what is committed of deploy/k8s
	TOOLS=$(TOOLS) deploy/render.sh

check-deploy: $(TOOLS)/kustomize $(TOOLS)/promtool ## check manifests, alerts and dashboards, without a cluster
	TOOLS=$(TOOLS) deploy/check.sh && TOOLS=$(TOOLS) deploy/check_test.sh && TOOLS=$(TOOLS) go test ./deploy/...

check-cluster: build $(TOOLS)/k6 ## deploy to the development cluster of kubectl, restart all of it under load, audit (IMAGE, FROM, RATE: deploy/k8s/accept.sh)
	deploy/k8s/accept.sh

$(TOOLS)/k6: tools/k6/go.mod
	cd tools/k6 && GOWORK=off GOBIN=$(TOOLS) go install tool

$(TOOLS)/kustomize: tools/deploy/go.mod tools/deploy/compose/main.go
	cd tools/deploy && GOWORK=off GOBIN=$(TOOLS) go install -ldflags '-s -w' tool ./compose

$(TOOLS)/promtool: tools/promtool/go.mod
	cd tools/promtool && GOWORK=off GOBIN=$(TOOLS) go install -tags remove_all_sd,enable_dns_sd -ldflags '-s -w' tool

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

clean: ## remove what was built
	rm -rf bin
