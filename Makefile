# souk: `make up`, buy something, `make test`. `make help` lists everything.
SHELL := /bin/bash
INFRA ?= embedded
REPLICAS ?= 1
SCENARIO ?= smoke
TOOLS := $(CURDIR)/bin/tools
PACKAGES := ./... ./pkg/...
GOTESTFLAGS ?= -shuffle=on -timeout=15m
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help
.PHONY: help build up down status smoke seed audit test test-batch test-race loadtest lint generate check-generated fmt clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/souk, which holds the CLI and every service
	go build -o bin/souk ./cmd/souk

up: build ## start souk: engines, services, demo data (INFRA=embedded)
	bin/souk up --infra $(INFRA) --replicas $(REPLICAS)

down: build ## stop souk; data stays (bin/souk down --wipe removes it)
	bin/souk down

status: build ## show what runs, where, and how much memory it takes
	bin/souk status

smoke: build ## buy one order to COMPLETED and print its timeline
	bin/souk smoke

seed: build ## put the demo data in place again
	bin/souk seed

audit: build ## prove that nothing was oversold, lost or double-charged
	bin/souk audit

test: ## run every test; needs nothing but Go
	go test $(GOTESTFLAGS) $(PACKAGES)

test-batch: ## run the flow's suites with batches of one
	SOUK_BATCH_MAX=1 go test $(GOTESTFLAGS) ./e2e ./services/... ./pkg/inbox ./pkg/outbox ./pkg/groupcommit

test-race: ## run the tests under the race detector, but those that start other programs; needs a C compiler
	CGO_ENABLED=1 go test -race $(GOTESTFLAGS) $$(go list $(PACKAGES) | grep -vE '/(e2e|mutants|arch)$$')

loadtest: build ## run a k6 scenario against the souk that is up, then audit (SCENARIO=smoke|checkout)
	loadtest/run.sh $(SCENARIO)

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

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

clean: ## remove what was built
	rm -rf bin
