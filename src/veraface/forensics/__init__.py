"""Forensic views and compression history: image analysis that needs no trained model."""
