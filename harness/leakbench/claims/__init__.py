"""What the article claims, section by section, as comparisons of measured values."""

from leakbench.claims.judging import Claim, Finding, Statement, figures, findings, show
from leakbench.claims.lifetimes import LIFETIMES
from leakbench.claims.remedies import REMEDIES
from leakbench.claims.traps import TRAPS

__all__ = ["CLAIMS", "Claim", "Finding", "Statement", "figures", "findings", "show"]

CLAIMS = (*TRAPS, *LIFETIMES, *REMEDIES)
