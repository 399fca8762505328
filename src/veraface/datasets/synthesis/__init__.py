"""Synthetic fakes made from real faces: blending, self-blended images, face swaps."""
