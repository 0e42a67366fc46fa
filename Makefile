# make lists the targets.
.DEFAULT_GOAL := help
GOLANGCI := golangci-lint
GOLANGCI_VERSION := v2.15.0

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.PHONY: run
run: ## run the demo: broker, services, tracker, console
	go run ./cmd/skald up

.PHONY: test
test: ## run all tests with the race detector, on the embedded broker and (with Java and Maven) on Apache Kafka
	go test -race -timeout 20m ./...

.PHONY: docs
docs: ## write docs/api/README.md, the API's reference
	go test -count=1 -run TestReferenceIsUpToDate ./internal/console -args -write-reference

.PHONY: build
build: ## build bin/skald
	go build -o bin/skald ./cmd/skald

.PHONY: lint
lint: ## vet and golangci-lint (installs it if it is missing)
	go vet ./...
	@command -v $(GOLANGCI) >/dev/null || go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	PATH="$$PATH:$$(go env GOPATH)/bin" $(GOLANGCI) run

.PHONY: check
check: build lint test ## what CI runs: build, lint, test

.PHONY: bench
bench: build ## measure Skald beside bare franz-go on both brokers: 6 minutes; Apache Kafka needs Linux, Java 17 and Maven
	bin/skald bench --broker embedded,apache --rounds 3 --sagas 20000 --svg bin/bench.svg --json bin/bench.json

.PHONY: crash
crash: ## kill, freeze, roll and scale services and brokers under 20,000 sagas on both brokers: half an hour; needs Linux, Java 17 and Maven
	SKALD_CRASH_SAGAS=20000 SKALD_TEST_KAFKA=required go test -race -count=1 -timeout 90m -v -run TestCrashes ./internal/crashtest

.PHONY: storm
storm: ## 10,000 sagas on Apache Kafka that fail, hang, are rejected, cancelled and redriven, under kills: ten minutes; needs Linux, Java 17 and Maven
	SKALD_STORM_SAGAS=10000 SKALD_TEST_KAFKA=required go test -race -count=1 -timeout 90m -v -run TestStorm/apache ./internal/crashtest

.PHONY: tidy
tidy: ## tidy go.mod
	go mod tidy
