"""How the product is run: on one machine here, on its two hosts in production."""
