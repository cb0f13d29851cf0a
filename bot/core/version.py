"""The product's version, as `CHANGELOG.md` names it."""

VERSION = "0.6.0"
