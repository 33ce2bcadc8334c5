"""The catalogue: scripted workloads in which something may stay reachable longer than it should.

One mechanism a file. A file defines ``SCENARIO`` and its mitigations; see `leakbench.contract`.
"""
