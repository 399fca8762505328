"""Processes that judge untrusted images under limits, so that the one that serves never decodes any."""
