# Every verb of the project; each works from a bare fresh clone.

PYTHON = .venv/bin/python
SEEDS = 0-99999

.PHONY: help demo test check soak mutants bench bench-swap bench-fleet environment faces lock

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: environment ## deliver the example to a local cloud: v1, v2 rolling, a broken v3, a rollback
	@! docker info >/dev/null 2>&1 || localcloud/install || true
	@$(PYTHON) -m localcloud.demo

test: environment ## run every test, on a docker engine installed and started for it
	@localcloud/install
	@scripts/test

check: environment ## lint, types, shell, workflows, generated files
	@scripts/check

soak: environment ## play a hundred thousand simulated rollouts (SEEDS=A-B for others)
	@$(PYTHON) -m tests.simulation --seeds $(SEEDS)

mutants: environment ## show that the simulator sees every mistake it is shown
	@$(PYTHON) -m tests.simulation.mutants

bench: environment ## measure what the launcher and the command line cost
	@$(PYTHON) -m tests.bench

bench-swap: environment ## measure how long a rollout keeps an instance from serving, on real engines (a minute)
	@localcloud/install
	@$(PYTHON) -m tests.bench swap

bench-fleet: environment ## measure rollouts of 100 and 1,000 simulated instances (ten minutes)
	@$(PYTHON) -m tests.bench fleet

environment: ## make .venv from requirements/dev.txt
	@scripts/environment requirements/dev.txt .venv >/dev/null

faces: environment ## write what is derived: action.yml files, docs/action-reference.md, parts of infra/
	@$(PYTHON) scripts/faces.py --write
	@$(PYTHON) scripts/templates.py --write

lock: ## resolve requirements/*.in to hashed lock files (needs uv)
	@scripts/lock
