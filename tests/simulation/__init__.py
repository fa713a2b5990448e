"""A fleet on a virtual clock, in which the production rollout runs; only what lies behind its ports is simulated."""
