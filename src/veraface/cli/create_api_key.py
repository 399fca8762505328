"""`veraface key`: a new API key."""


def key() -> None:
    """Make an API key for a server: hand out the key, and give the server its digest.

    The key is shown once and kept nowhere.
    """
    from veraface.server.api_keys import digest, make_key

    made = make_key()
    print(f"key     {made}")
    print(f"digest  {digest(made)}")
    print("Send the key as `Authorization: Bearer KEY`; put the digest into VERAFACE_API_KEYS or its file.")
