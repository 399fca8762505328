"""Decode untrusted bytes to upright RGB images, under limits that hold before decoding."""
