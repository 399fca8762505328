"""Audit log of requests, results and decisions: one JSON object per line, chained by hashes, no pixels.

from veraface.audit import AuditLog, FileId

log = AuditLog("audit.jsonl")
content = open("photo.jpg", "rb").read()
log.add_analysis(FileId.of(content), veraface.detect(content))
"""

from veraface.audit.entries import AuditError, FileId
from veraface.audit.log import DECISIONS, AuditLog, Decision
from veraface.audit.verification import Verification, verify

__all__ = ["DECISIONS", "AuditError", "AuditLog", "Decision", "FileId", "Verification", "verify"]
