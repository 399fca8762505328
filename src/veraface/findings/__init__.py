"""Findings about an image, each with a grade: how it is known, and what limits it."""

from veraface.findings.collect import GradedFinding, collect_findings, describe_rates
from veraface.findings.grades import GRADES, Grade

__all__ = ["GRADES", "Grade", "GradedFinding", "collect_findings", "describe_rates"]
