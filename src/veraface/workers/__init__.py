"""Processes that judge untrusted pictures under limits, so that the one that serves never decodes any."""
