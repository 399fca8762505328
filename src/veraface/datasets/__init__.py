"""Labeled data: manifests, folder layouts, public benchmarks, validation, degradations, synthesis."""
