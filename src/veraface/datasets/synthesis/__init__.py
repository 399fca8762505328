"""Synthesized fakes from real faces: blending, self-blended images, face swaps."""
