"""Routes of the API, one module for each kind. They read requests and return results; they hold no logic."""
