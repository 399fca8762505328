"""Labeled data: manifests, layouts, public benchmarks, validation, degradations, synthesis. No torch."""
