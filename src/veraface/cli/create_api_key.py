"""`veraface create-api-key`: create an API key."""


def create_api_key() -> None:
    """Create an API key for a server: give the key to the client, and its digest to the server.

    The key is printed once and not stored.
    """
    from veraface.server.security import digest, make_key

    key = make_key()
    print(f"key     {key}")
    print(f"digest  {digest(key)}")
    print("Send the key as `Authorization: Bearer KEY`; put the digest into VERAFACE_API_KEYS or its file.")
