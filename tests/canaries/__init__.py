"""Whether a secret was let out: every cloud of the tests has one in Parameter Store.

`localcloud.options` plants it, `localcloud.outputs` keeps what a run lets out, `scripts/test` searches that at the end.
"""
