"""Many images to one table: `sources` lists them, an engine analyzes them, `store` keeps what is done."""
