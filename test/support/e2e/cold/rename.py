"""Gives the tree of 1,000 files that workload.py made another name."""

import os

cold = '/data/cold'
os.rename(f'{cold}/before', f'{cold}/after')
assert sum(len(files) for _, _, files in os.walk(f'{cold}/after')) == 1000
assert not os.path.exists(f'{cold}/before')
