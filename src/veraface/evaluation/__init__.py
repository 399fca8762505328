"""How good a model is: the protocol, its figures, the report. Needs neither torch nor the server."""
