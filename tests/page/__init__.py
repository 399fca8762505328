"""Tests of the page's scripts that need no browser; they run in Node."""
