"""Running the whole product on one developer's machine; not for production."""
