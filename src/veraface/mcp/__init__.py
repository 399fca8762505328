"""A Model Context Protocol server, so that assistants on the same machine can analyze files."""
