"""Many images to one table: `sources` lists them, an engine judges them, `store` keeps what is done."""
