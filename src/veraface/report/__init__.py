"""One analysis as a signed HTML file, so that a reader can check later that nothing in it changed."""
