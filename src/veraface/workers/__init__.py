"""Sandboxed processes that decode and analyze untrusted files, so that the calling process never does."""
